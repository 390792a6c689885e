# Resources that grow, for jobs that ran out of them.


def growing(least):
    """Minutes, or MB, times the number of the attempt."""

    def of_attempt(wildcards, attempt):
        return least * attempt

    return of_attempt


def memory(least, per_input):
    """MB, at least so many times the size of what the job reads, times the number of the attempt."""

    def of_input(wildcards, input, attempt):
        return max(least, 1000 + int(per_input * input.size_mb)) * attempt

    return of_input
