import pytest

from granite_fc.calls.spec import FunctionSpec
from tasks.sources.seal_tools_catalogue import Catalogue, Tool


def _tool(name, description, field="Health/Care"):
    return Tool(FunctionSpec(name, description), field)


@pytest.mark.parametrize(
    "name, description, would_do",
    [
        ("searchDrug", "Look for medicine", True),
        ("drug", "Tells of medicine", True),
        ("fetchDrugData", "Look for medicine", True),
        ("getMedicine", "Search for information about a particular drug and its dose", True),
        ("getDrugPrice", "Retrieve the price of a drug", False),
        ("getMedicine", "Retrieve drug dose statistics for adults", True),
        ("getMedicine", "Retrieve drug dose statistics for adults by age", False),
        ("addDrug", "Adds to the register", False),
        ("getInfo", "Answers questions", False),
    ],
)
def test_a_tool_that_would_do_instead_is_not_on_offer(name, description, would_do):
    drug = _tool("getDrugInfo", "Retrieve a specific drug and its dose")
    catalogue = Catalogue([drug, _tool(name, description), _tool("bookBed", "Books", "Hotel/Bed")])
    assert (name not in catalogue.others(["getDrugInfo"], "dev-1", 5)) == would_do
    assert "bookBed" in catalogue.others(["getDrugInfo"], "dev-1", 5)
