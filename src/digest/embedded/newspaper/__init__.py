"""The Footbridge: an invented bilingual newspaper, served as a site with feeds, for the demo and the tests.

Its people, places, prizes and stories are made up for this project; they resemble real ones by chance only.
"""
