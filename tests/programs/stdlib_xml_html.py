# SPDX-License-Identifier: MIT
"""xml, html, email, urllib.parse: documents without a network."""
import email
import html
import html.parser
import urllib.parse
import xml.etree.ElementTree as ET
from email.message import EmailMessage
from xml.dom import minidom


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs).get("href"))


def main():
    root = ET.fromstring("<shop><item id='1'>Tea</item><item id='2' sale='y'>Jam &amp; Bread</item></shop>")
    ET.SubElement(root, "item", id="3").text = "Ü"
    links = Links()
    links.feed('<p><a href="/x">x</a> <a href="?q=1">y</a>')
    message = EmailMessage()
    message["Subject"], message["To"] = "Grüße", "ada@example.org"
    message.set_content("Hallo\n")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="octet-stream", filename="b.bin")
    parsed = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    url = urllib.parse.urlsplit("https://user@example.org:8443/p/a%20th?x=1&x=2&y=ä#f")
    print(minidom.parseString(ET.tostring(root)).toprettyxml(indent=" "), end="")
    return {"items": {i.get("id"): i.text for i in root.iter("item")}, "sale": root.find("item[@sale]").text,
            "links": links.found, "subject": str(parsed["Subject"]),
            "attachments": [a.get_filename() for a in parsed.iter_attachments()], "port": url.port,
            "query": urllib.parse.parse_qs(url.query), "quoted": urllib.parse.quote("a b/ä"), "html": html.escape("<&'>")}
