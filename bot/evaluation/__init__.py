"""Measurements of the product on labelled files; nothing here touches live data."""
