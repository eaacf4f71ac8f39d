"""Schedules over one Scrapyd node or many: kept in PostgreSQL, worked by procrastinate.

`schedules` keeps them, `scheduler` makes runs of them when their time has come, `dispatcher` sends runs to nodes
(`nodes`), `watchdog` looks after those that are out, `engine` is the worker around it all. `pace` keeps one pace a host
over all nodes.
"""
