"""Schemathesis: generates arguments from the schema for every query and mutation field. No request may cause an
internal error or an error without a code."""

import os

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes

URL = os.environ["SALESGRAPH_URL"] + "/graphql"

# Every run uses the same arguments. Shrinking is disabled because the first failing document is informative enough.
few = settings(
    max_examples=int(os.environ.get("SALESGRAPH_FUZZ_EXAMPLES", "8")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# The custom scalar `JSON`, which is required in some inputs.
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
    """The reason why a response is unacceptable to a client; None if it is acceptable."""
    if response.status_code >= 500:
        return f"HTTP status {response.status_code}"
    for error in response.json().get("errors", []):
        if error.get("extensions", {}).get("code") in (None, "INTERNAL"):
            return f"error without a code or with code INTERNAL: {error}"
    return None


def examine(operation):
    """The first failing document for this field and the reason; None if all documents pass."""
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
    except Exception as error:  # If the server has exited, this field fails and the next one is still tested.
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
