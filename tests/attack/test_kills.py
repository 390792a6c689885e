"""The whole chain, killed at random moments, ends with the numbers of an undisturbed one."""

from .judging import contents, differences
from .killing import KILLS


def test_a_chain_killed_twenty_times_has_the_numbers_of_an_undisturbed_one(before, killed, request):
    project, report = killed()
    differ = differences(before, contents(project.folder))
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    reporter.write_line(
        f"\n{len(report)} kills, with {', '.join(map(str, report))} netCDF files there; "
        f"{len(differ)} files differ"
    )
    assert len(report) == KILLS
    assert differ == []
