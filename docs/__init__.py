"""The documentation; the modules here write the pages that follow from the code."""
