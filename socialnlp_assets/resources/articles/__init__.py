"""Articles: the page behind a permalink, fetched politely and safely, its title and text, in English if it can be.

`address` decides where a connection may go, `web` fetches one page, `extraction` reads it, `cache` keeps what it
says, `articles` puts them together for an hour's permalinks. One page that fails never fails the hour: it has a status.
"""
