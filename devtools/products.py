"""The beverages of the sample data: product names of the German market with base prices in euros."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    name: str
    category: str
    base_price: float


_BASE_PRICES = {
    "Soft Drinks": {
        "Bionade Holunder": 1.80,
        "Coca-Cola": 1.75,
        "Fanta": 1.65,
        "Fritz-Kola": 2.05,
        "Lipton Ice Tea": 1.85,
        "Mezzo Mix": 1.55,
        "Pepsi": 1.45,
        "Red Bull": 2.90,
        "Schweppes Tonic": 2.10,
        "Sinalco": 1.30,
        "Sprite": 1.20,
        "Vita Cola": 1.25,
    },
    "Alcoholic Beverages": {
        "Bacardi": 20.0,
        "Becks": 1.40,
        "Bitburger": 1.30,
        "Bombay Sapphire": 24.0,
        "Erdinger": 1.50,
        "Havana Club": 21.0,
        "Jack Daniels": 27.0,
        "Jägermeister": 19.0,
        "Krombacher": 1.35,
        "Moët & Chandon": 75.0,
        "Mumm Sekt": 5.00,
        "Paulaner": 1.45,
        "Riesling": 8.00,
        "Rotkäppchen Sekt": 5.00,
        "Smirnoff": 21.0,
        "Spätburgunder": 9.00,
        "Veltins": 1.20,
        "Veuve Clicquot": 98.0,
        "Warsteiner": 1.25,
    },
    "Juices": {
        "Cranberry Juice": 3.05,
        "Granini Apple": 2.55,
        "Hohes C Orange": 2.85,
        "Pineapple Juice": 2.45,
        "Punica Tropical": 2.20,
        "Rauch Multivitamin": 3.20,
        "Tomato Juice": 2.60,
    },
    "Water": {
        "Apollinaris": 0.90,
        "Evian": 1.40,
        "Fürst Bismarck": 0.65,
        "Gerolsteiner": 0.85,
        "Rosbacher": 0.75,
        "San Pellegrino": 1.30,
        "Selters": 0.60,
        "Vio Wasser": 1.35,
        "Volvic": 1.00,
    },
}

PRODUCTS = tuple(
    Product(name, category, price)
    for category, base_prices in _BASE_PRICES.items()
    for name, price in base_prices.items()
)
"""47 products, grouped by category."""
