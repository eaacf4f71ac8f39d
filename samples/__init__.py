"""An invented show and pages about it in the shapes that IMDb serves: for the demo, the tests and the bench."""
