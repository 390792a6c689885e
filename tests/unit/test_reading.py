"""Files that cannot be read, or say a thing twice, are refused by name."""

import pytest

from parlearn.plan.reading import ConfigError, read_rows, read_yaml


@pytest.fixture
def refused(tmp_path):
    """Write bytes, read them, and give the sentences of the refusal."""

    def refused(content, read=read_yaml):
        path = tmp_path / "a.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(ConfigError) as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")
        return caught.value.problems

    return refused


def table(path):
    return read_rows(path, ",")


def test_keys_that_stand_twice(refused):
    text = "a: 1\nb:\n  c: {x: 1, x: 2}\n  d:\n    - y: 1\n      y: 1\na: 2\n"
    assert refused(text) == [
        "b.c.x: stands twice, in lines 3 and 3: take one out",
        "b.d[0].y: stands twice, in lines 5 and 6: take one out",
        "a: stands twice, in lines 1 and 7: take one out",
    ]


def test_keys_of_an_anchor_may_be_given_anew(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "base: &base {x: 1, y: 2}\nnear: &near\n  <<: *base\n  x: 3\nfar: {<<: *near, y: 4}\n"
        "list: [&one {z: 1}, *one]\n"
    )
    content = read_yaml(tmp_path / "a.yaml")
    assert content["near"] == {"x": 3, "y": 2}
    assert content["far"] == {"x": 3, "y": 4}
    assert content["list"] == [{"z": 1}, {"z": 1}]


def test_an_anchor_that_holds_itself(refused):
    assert refused("a: &a {b: [*a]}") == [
        "a.b[0]: holds itself, by an alias of what it stands in: write out what is meant"
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: 2015-13-01", "is not valid YAML: month must be in 1..12"),
        ("a: [1", "is not valid YAML"),
        ("a: 1\n---\na: 2", "is not valid YAML"),
        ("a:\tb: 1", "is not valid YAML"),
        ("? [a]\n: 1", "is not valid YAML"),
        ("a: !!python/object:os.system {}", "is not valid YAML"),
        (b"a: 1\nb: caf\xe9\n", "line 2 is not in UTF-8: save the file in UTF-8, as with iconv"),
        ("a: 1".encode("utf-16"), "line 1 is not in UTF-8"),
    ],
)
def test_yaml_that_cannot_be_read(refused, content, words):
    (problem,) = refused(content)
    assert words in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a,b\n1,\xfc\n", "line 2 is not in UTF-8"),
        (b"", "is empty: it needs a line of column names"),
        (b"a,b\n1\n", "row '1' does not have as many columns as the header: compare them"),
        (b"a,b\n1,2,3\n", "row '1' does not have as many columns"),
        (b"a,b,a\n1,2,3\n", "column 'a' stands twice in the header: take one out"),
        (b'a,b\n"1"2,3\n', "is not a table: "),
        (b'a,b\n1,"2\n', "is not a table: "),
    ],
)
def test_tables_that_cannot_be_read(refused, content, words):
    (problem,) = refused(content, table)
    assert words in problem


def test_a_table_as_spreadsheets_write_it(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfa,b\r\n# left out\r\n\r\n1,"2\xc2\x85,3"\r\n')
    assert table(tmp_path / "a.csv") == [{"a": "1", "b": "2\x85,3"}]


def test_what_is_no_file(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file: correct the path"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigError, match=r"cannot be read \(Is a directory\): correct the path"):
        read_yaml(tmp_path)


def test_an_empty_file_has_no_content(tmp_path):
    (tmp_path / "a.yaml").write_text("# nothing yet\n")
    assert read_yaml(tmp_path / "a.yaml") is None
