import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tasks.sources.choices import chance, hashed, is_validation, shuffled


def test_hash_is_blake2b_of_the_parts():
    digest = hashlib.blake2b(b"a\x1f1", digest_size=8).digest()
    assert hashed("a", 1) == int.from_bytes(digest, "little")


@given(st.lists(st.text(max_size=5), unique=True), st.randoms())
def test_shuffling_depends_on_the_items_not_on_their_order(items, random):
    other = list(items)
    random.shuffle(other)
    assert shuffled(items, str, "key") == shuffled(other, str, "key")
    assert sorted(shuffled(items, str, "key")) == sorted(items)


def test_chance_has_its_share_and_orders_differ_by_key():
    share = sum(chance(0.3, "x", number) for number in range(4000)) / 4000
    assert abs(share - 0.3) < 0.03  # four standard deviations
    assert not any(chance(0.0, "x", number) for number in range(100))
    assert all(chance(1.0, "x", number) for number in range(100))
    orders = {tuple(shuffled("abcdef", str, key)) for key in range(50)}
    assert len(orders) > 30


@given(st.text(alphabet="ab c", min_size=1))
def test_near_copies_of_a_text_are_in_one_split(text):
    spaced = "  " + text.upper().replace(" ", "   ")
    assert is_validation(text, 0.5) == is_validation(spaced, 0.5)
