"""Fandom: wikis by MediaWiki, read from api.php and from their pages."""
