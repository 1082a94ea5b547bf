"""Somebody in front of a browser, as far as grantd's pages need one."""

from html import unescape
from re import DOTALL, findall, search
from urllib.parse import urljoin

import requests

FORM = r'<form class="stack" method="post" action="([^"]*)">(.*?)</form>'
HIDDEN = r'type="hidden" name="(\w+)" value="([^"]*)"'


class Person:
    def __init__(self, server, user):
        self.server, self.user = server, user
        self.browser = requests.Session()

    def visit(self, address, decision="allow"):
        """Goes where an app sends them, signs in and decides; answers where that leads at last."""
        answer = self.browser.get(address, allow_redirects=False, timeout=5)
        for _ in range(9):
            location = answer.headers.get("location")
            if location is None:
                answer = self.fill_in(answer.text, decision)
                continue
            address = urljoin(answer.url, location)
            if not address.startswith(f"{self.server.issuer}/"):
                return address
            answer = self.browser.get(address, allow_redirects=False, timeout=5)
        raise AssertionError("it leads in a circle")

    def fill_in(self, page, decision):
        action, form = search(FORM, page, DOTALL).groups()
        fields = {name: unescape(value) for name, value in findall(HIDDEN, form)}
        fields |= self.user if action.endswith("/login") else {"decision": decision}
        address = self.server.issuer + action
        return self.browser.post(address, data=fields, allow_redirects=False, timeout=5)
