"""The eight functions of Taskmaster-4's coffee bar, described from its calls and responses."""

from __future__ import annotations

from typing import Any

from granite_fc.calls.spec import FunctionSpec

SERVICE = "coffee_bar"
CHANGE_THE_ORDER = frozenset({"add_order_item", "update_order", "update_order_item"})
# Parameters that say what the customer wants; the others hold identifiers.
WORDED = frozenset({"query", "option", "notes"})


def _text(description: str, **rest: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **rest}


def _object(required: tuple[str, ...], **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(description: str, items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "description": description, "items": items}


def _fields(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


# Parts of outputs that the functions which set them describe.
_TEXT = {"type": "string"}


def _texts(*names: str) -> dict[str, Any]:
    return {"type": "array", "items": _fields(**dict.fromkeys(names, _TEXT))}


_ORDER_ID = _text("Identifier of the order")
_ORDER_ITEM_ID = _text("Identifier of an item within the order")
_MENU_ITEM_ID = _text("Identifier of the item on the menu")
_ADDON_ID = _text("Identifier of the add-on")
_ATTRIBUTE_ID = _text("Identifier of the attribute, such as the one for milk")
_ATTRIBUTE_NAME = _text("What the attribute is called")
_OPTION = _text("The option chosen for the attribute, such as Oat Milk")
_SUCCESS = _fields(success={"type": "boolean", "description": "Whether it was done"})
_CHOSEN_ATTRIBUTES = _list(
    "Attributes of the item and the option chosen for each",
    _object(("attribute_id", "option"), attribute_id=_ATTRIBUTE_ID, option=_OPTION),
)
_CHOSEN_ADDONS = _list(
    "Add-ons of the item, such as syrups and sauces",
    _object(
        ("addon_id", "option"),
        addon_id=_ADDON_ID,
        option=_text("Whether to add it", enum=["NO", "ADD"]),
    ),
)
_NOTES = _text("How to make it where no attribute or add-on covers that; not for whom")

FUNCTIONS = (
    FunctionSpec(
        name="show_menu",
        description="Shows the customer the whole menu, with all that there is.",
        output=_SUCCESS,
    ),
    FunctionSpec(
        name="get_menu_items",
        description="Searches the menu for an item, or for items of a kind.",
        parameters=_object(
            ("query",),
            query=_text("What to look for, such as the name of a drink"),
            fields=_list(
                "Further fields to return for each item",
                {"type": "string", "enum": ["description"]},
            ),
        ),
        output=_fields(
            menu_items=_list(
                "Matching items, best first; empty if there is none",
                _fields(
                    menu_item_id=_MENU_ITEM_ID,
                    name=_text("Name of the item"),
                    description=_text("What the item consists of, if asked for"),
                ),
            )
        ),
    ),
    FunctionSpec(
        name="get_addons",
        description=(
            "Searches for what can be chosen about a menu item or an order: attributes with their "
            "options (milk, espresso shots, caffeine, hot or iced, here or to go) and add-ons "
            "(syrups, sauces)."
        ),
        parameters=_object(
            ("query",),
            query=_text("What to look for; several things are joined with OR"),
            menu_item_id=_text("Identifier of the menu item that it is about"),
            scope=_text("Says that it is about the whole order, not an item", enum=["order"]),
        ),
        output=_fields(
            attributes=_list(
                "Attributes found, in the order of the query",
                _fields(
                    attribute_id=_ATTRIBUTE_ID,
                    attribute_name=_ATTRIBUTE_NAME,
                    options=_list("The options to choose from", {"type": "string"}),
                ),
            ),
            addons=_list(
                "Add-ons found, in the order of the query",
                _fields(
                    addon_id=_ADDON_ID,
                    name=_text("Name of the add-on"),
                    default=_text("The option where none is chosen"),
                    options=_list("The options to choose from", {"type": "string"}),
                ),
            ),
        ),
    ),
    FunctionSpec(
        name="add_order_item",
        description="Adds an item to an order, or to a new order.",
        parameters=_object(
            ("menu_item_id",),
            menu_item_id=_text("Identifier of the menu item to order"),
            quantity=_text("How many of it", default="1"),
            order_id=_text("Identifier of the order to add it to; a new one is opened if absent"),
            attributes=_CHOSEN_ATTRIBUTES,
            addons=_CHOSEN_ADDONS,
            notes=_NOTES,
        ),
        output=_fields(order_id=_ORDER_ID, order_item_id=_ORDER_ITEM_ID),
    ),
    FunctionSpec(
        name="update_order_item",
        description="Changes the attributes or add-ons of an item that is in an order.",
        parameters=_object(
            ("order_item_id",),
            order_item_id=_text("Identifier of the item of the order to change"),
            attributes=_CHOSEN_ATTRIBUTES,
            addons=_CHOSEN_ADDONS,
        ),
        output=_fields(order_item_id=_ORDER_ITEM_ID),
    ),
    FunctionSpec(
        name="update_order",
        description="Changes the attributes of a whole order, such as whether it is to go.",
        parameters=_object(
            ("order_id", "attributes"),
            order_id=_text("Identifier of the order to change"),
            attributes=_list(
                "Attributes of the order and the option chosen for each",
                _object(
                    ("attribute_id", "option"),
                    attribute_id=_ATTRIBUTE_ID,
                    attribute_name=_ATTRIBUTE_NAME,
                    option=_text("The option chosen for the attribute, such as Here"),
                ),
            ),
        ),
        output=_fields(order_id=_ORDER_ID),
    ),
    FunctionSpec(
        name="get_order_details",
        description="Gets all that is in an order and shows it to the customer to confirm.",
        parameters=_object(("order_id",), order_id=_text("Identifier of the order to show")),
        output=_fields(
            order_id=_TEXT,
            attributes=_list(
                "Attributes of the order and the option chosen for each",
                _fields(attribute_id=_TEXT, attribute_name=_TEXT, option=_TEXT, quantity=_TEXT),
            ),
            menu_items=_list(
                "Items of the order",
                _fields(
                    order_item_id=_TEXT,
                    menu_item_id=_TEXT,
                    menu_item_name=_TEXT,
                    quantity=_TEXT,
                    attributes=_texts("attribute_id", "option"),
                    addons=_texts("addon_id", "option"),
                    notes=_TEXT,
                ),
            ),
        ),
    ),
    FunctionSpec(
        name="finish_order",
        description="Sends a confirmed order to the bar, where it is soon ready.",
        parameters=_object(("order_id",), order_id=_text("Identifier of the order to send")),
        output=_SUCCESS,
    ),
)
