"""Reality-TV facts and pictures from IMDb, TMDb and Fandom, collected into one PostgreSQL catalog."""
