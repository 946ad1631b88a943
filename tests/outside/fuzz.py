"""Schemathesis: for every field of the query and of the mutation, arguments that it makes up from the schema.
Whatever they are, there is no fault of the server and no error without a code."""

import os

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

URL = os.environ["SALESGRAPH_URL"] + "/graphql"

# The same arguments in every run. Shrinking is left out: the first document that fails says enough.
few = settings(
    max_examples=int(os.environ.get("SALESGRAPH_FUZZ_EXAMPLES", "8")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# Our JSON, which can't be left out everywhere.
schemathesis.graphql.scalar(
    "JSON",
    st.one_of(
        st.integers(-(2**31), 2**31 - 1).map(nodes.Int),
        st.text(max_size=20).map(nodes.String),
        st.booleans().map(nodes.Boolean),
        st.floats(allow_nan=False, allow_infinity=False, width=32).map(nodes.Float),
    ),
)


def look(response):
    """Why an answer is not one that a client can live with; None when it is."""
    if response.status_code >= 500:
        return f"status {response.status_code}"
    for error in response.json().get("errors", []):
        if error.get("extensions", {}).get("code") in (None, "INTERNAL"):
            return f"the error {error}"
    return None


def examine(operation):
    """The first document for this field, and why it fails; None when all of them pass."""
    failures = []

    @few
    @given(case=operation.as_strategy())
    def each(case):
        if not failures:
            response = case.call(timeout=10)
            reason = look(response)
            if reason:
                failures.append(f"{reason}\n      {case.body}")

    try:
        each()
    except Exception as error:  # A server that is gone is a failure of this field, and the next are tried.
        failures.append(repr(error))
    return failures[0] if failures else None


def main():
    passed = failed = 0
    for result in schemathesis.graphql.from_url(URL).get_all_operations():
        operation = result.ok()
        failure = examine(operation)
        if failure:
            failed += 1
            print(f"  FAILED {operation.label}: {failure}"[:1500])
        else:
            passed += 1
    print(f"outside: fuzz: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    raise SystemExit(main())
