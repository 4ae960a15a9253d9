"""Words of which values are made: values are combinations, dealt out to the splits as wholes."""

from __future__ import annotations

Pool = tuple[str, ...]


def _pool(text: str, separator: str | None = None) -> Pool:
    return tuple(" ".join(word.split()) for word in text.split(separator) if word.strip())


FIRST_NAMES = _pool(
    """Ada Alan Alice Amir Ana Andre Anna Arjun Astrid Ben Bianca Boris Carla Carlos Cecil Chen
    Clara Daniel David Diana Dina Edgar Elena Elias Emma Erik Esther Eva Farid Felix Fiona Frank
    Freya Gabriel Gina Greta Hana Hassan Heidi Henry Hugo Ida Igor Ines Irene Ivan Jack Jana
    Jason Jenny Joel Jonas Julia Kamal Karen Karl Kate Kenji Lara Laura Leo Liam Lina Louis Lucy
    Luis Maria Mark Marta Max Mei Mia Milan Mona Nadia Nina Noah Nora Olga Omar Oscar Paul Pedro
    Petra Priya Rachel Rafael Rita Robert Rosa Ruth Samir Sara Simon Sofia Stefan Tara Tom Uma
    Vera Victor Wanda Yusuf Zoe Agnes Bruno Celia Dmitri Edith Fatima George Helga Isaac Jasmin
    Kofi Leila Mateo Naomi Otto Paula Quentin Roman Selma Theo Ursula Vikram Willa Xenia Yara
    Zeno Anton Bella Conrad Delia Emil Flora""",
)
LAST_NAMES = _pool(
    """Adler Ahmed Allen Baker Barnes Bauer Becker Berg Bianchi Black Blake Brandt Brown Burke
    Carter Castro Chan Clark Cohen Cole Costa Cruz Dahl Davis Diaz Dixon Duarte Dunn Eriksen
    Evans Faber Fischer Flores Ford Foster Fox Fuchs Garcia Gibson Gomez Grant Gray Green Gupta
    Haas Hall Hansen Harris Hart Hayes Holm Hughes Hunt Ito Jensen Jones Kaya Keller Kelly Khan
    Kim Klein Koch Kumar Lang Larsen Lee Lewis Lopez Lund Martin Mason Meyer Mills Moore Mori
    Nagel Novak Olsen Ortiz Park Patel Perez Porter Quinn Ramos Reed Rossi Russo Sato Schmidt
    Shah Silva Singh Smith Stone Suzuki Tanaka Torres Turner Vance Vogel Walker Weber White Wolf
    Wong Young Zimmer Abbott Brennan Conti Delgado Engel Fontaine Gruber Hoffman Ibarra Janssen
    Kovacs Lindqvist Marino Nakamura Obrien Petrov Rasmussen Santos Tucker Ueda Valdez Winter
    Yamada Zhang Ashford Bishop Chandler Drake""",
)
# Towns of no country: a stem and an ending, as in Ashford.
CITY_STEMS = _pool(
    """Alder Ash Bar Bel Birch Black Brook Clay Cold Dun East Elm Fair Fern Glen Gold Gran Green
    Hart Hazel High Holm Iron King Lake Lang Lin Long Maple Mar Mill Moor New North Oak Old Pine
    Raven Red Rock Rose Salt Sand Silver South Spring Stone Sun Swan Thorn West White Wind
    Winter Wood""",
)
CITY_ENDINGS = _pool(
    """bridge brook bury castle cliff dale field ford gate ham haven hill hurst land mere mont
    mouth port ridge side stead ton vale view ville wick worth berg""",
)
# Titles of songs, films and books, and names of bands.
ADJECTIVES = _pool(
    """Silver Golden Quiet Broken Distant Hidden Burning Frozen Crimson Gentle Hollow Lonely
    Midnight Narrow Pale Restless Sacred Secret Shining Silent Sleeping Stolen Velvet Wandering
    Wild Winter Ancient Bitter Brave Endless Electric Amber Scarlet Fading Rusty Tender Weary
    Emerald Floating Noble Shattered Drifting Polar Marble""",
)
TITLE_NOUNS = _pool(
    """River Garden Harbor Mountain Road Window Letter Mirror Bridge Island Shadow Summer Train
    Ocean Forest Castle Dream Lantern Station Valley Bird Moon Desert Circus Orchard Piano
    Compass Meadow Thunder Sailor Canyon Lighthouse Horizon Feather Carousel Glacier Pilgrim
    Tower Echo Violin Prairie Comet Anchor""",
)
BAND_NOUNS = _pool(
    """Foxes Wolves Ravens Pilots Strangers Tigers Poets Rebels Owls Giants Falcons Dancers Rockets
    Sparrows Kings Comrades Badgers Herons Nomads Outlaws Panthers Drummers Lizards Captains""",
)
MATERIALS = _pool(
    """oak steel glass bamboo leather cotton copper marble plastic ceramic wooden silver linen
    rubber granite walnut brass velvet maple wool titanium wicker pine cork""",
)
ITEMS = _pool(
    """desk lamp chair kettle shelf mug bowl clock mirror blanket backpack wallet bench vase tray
    pan cabinet pillow table basket bottle umbrella jacket helmet tent stool teapot wardrobe rug
    candle suitcase ladder toolbox drawer hammock""",
)
INGREDIENT_FORMS = _pool("fresh dried smoked frozen sliced chopped roasted organic ground whole")
INGREDIENTS = _pool(
    """lentils, rice, tomatoes, mushrooms, spinach, chicken, salmon, potatoes, carrots, beans,
    tofu, onions, noodles, beef, peppers, cabbage, eggs, cheese, garlic, lemons, corn, shrimp,
    apples, honey, chickpeas, zucchini, turkey, barley, leeks, avocado, peas, ginger,
    cauliflower, trout""",
    ",",
)
DISH_BASES = _pool(
    """lentil tomato mushroom spinach chicken salmon potato carrot bean tofu onion beef pepper
    cabbage cheese garlic lemon pumpkin shrimp rice chickpea zucchini turkey barley leek avocado
    ginger cauliflower trout""",
)
DISH_FORMS = _pool("soup curry stew salad pie pasta risotto casserole gratin chili tart broth")
HOTEL_NAMES = _pool(
    """Aurora Bellevue Central Diamond Eden Garden Grand Harbor Imperial Jupiter Lakeside Majestic
    Mirador Orchid Palm Regent Royal Savoy Sunrise Terrace Union Victoria Atlas Corona Dolphin
    Excelsior Fortuna Horizon Kingsway Meridian Saffron Tulip""",
)
HOTEL_KINDS = _pool("Inn Hotel Lodge Resort Suites Guesthouse Plaza")
RESTAURANT_FIRST = _pool("Casa Chez Bistro Cafe Trattoria Taverna Osteria Maison Brasserie")
RESTAURANT_LAST = _pool(
    """Verde Luna Bruno Milano Olive Jasmine Marco Sol Rosa Bianca Lotus Saffron Pepe Viola Amici
    Monte Azul Fiore Stella Rubio Cielo Oliva Nero Toscana Marina Basil""",
)
COMPANY_FIRST = _pool(
    """Norvex Altura Brightline Cobalt Datawell Evergreen Finmark Gridstone Helios Ironwood Juniper
    Kestrel Lumina Metrix Northgate Optima Pinecrest Quantec Redwood Solara Triton Vertex
    Arclight Bluepeak Cedarway Duneline Everbright Fairmont Glimmer Halcyon Inkwell Jetstream""",
)
COMPANY_LAST = _pool("Labs Motors Energy Foods Systems Airlines Media Pharma Robotics")
MEDICINE_FIRST = _pool(
    """Zali Nora Keta Predo Lumi Serto Vani Corda Melo Tri Axo Beni Dola Fenta Gluco Hydra Omni
    Rili Palo Juvi Cela Ulo Nexi Tami""",
)
MEDICINE_LAST = _pool("trex pril dine zole mycin statin vir lax fen")
EVENT_FIRST = _pool(
    """budget design sales project team marketing product safety quarterly strategy client hiring
    training board press finance planning research onboarding launch legal roadmap security
    donor vendor""",
)
EVENT_LAST = _pool("review meeting lunch workshop call briefing summit sync seminar")
MESSAGE_FIRST = _pool(
    """the meeting moved; dinner is ready; the keys are inside; the report is done; the train is
    late; the contract is signed; the car is fixed; the package arrived; practice is cancelled;
    the guests are here; the order shipped; the tickets sold out; the flight landed; the invoice
    is paid; the plumber came by; the exam went well; the lease was renewed; the concert starts
    soon; the cake is baked; the printer works again; the shop is closed""",
    ";",
)
MESSAGE_LAST = _pool(
    """please call back; see you soon; no rush; let me know; good news; thanks a lot; talk
    tomorrow; hurry up; write me later; take care; be on time; cheer up""",
    ";",
)
ISSUES = _pool(
    """printer offline; screen flickers; login fails; keyboard broken; password expired; email
    bounces; laptop overheats; wifi drops; mouse lags; camera dark; disk full; app crashes;
    battery drains; phone frozen; monitor cracked; speakers silent; backup stuck; scanner
    jammed; calendar empty; headset buzzes""",
    ";",
)
ISSUE_PLACES = _pool(
    """on floor 1; on floor 2; on floor 3; in room 12; in room 27; in the lobby; at the front desk;
    in the lab; on floor 4; in room 31; in the canteen; at the loading dock""",
    ";",
)
AIRLINES = ("KL", "LH", "BA", "AF", "QR", "SK", "IB", "AY")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
MAIL_HOSTS = ("mailbox.org", "postal.net", "inbox.com")
