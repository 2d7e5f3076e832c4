"""The schema's history. Migrations import no models: they must mean the same for ever."""
