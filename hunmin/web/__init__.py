"""The front desk: the application, the theme, and the pages that belong to no single room.

`create_app` puts the rooms' routers together behind one set of guards. What a page looks like is
in `static/style.css` and `templates/base.html`; a theme of another country replaces the first
block of the stylesheet.
"""

from hunmin.web.app import create_app

__all__ = ["create_app"]
