"""Item pipelines, one verb each, in the order of settings.ITEM_PIPELINES."""
