"""python floor.py URL KEY: read all charges with requests and orjson, one page after the other, to no end.

What no Python program that decodes its pages gets below. For each charge a line says that there was one.
"""

import sys

import orjson
import requests


def main(url: str, key: str) -> None:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {key}"
    params = {"limit": "100"}
    more = True
    while more:
        page = orjson.loads(session.get(f"{url}/v1/charges", params=params, timeout=90).content)
        rows, more = page["data"], page["has_more"]
        sys.stdout.write('{"type":"RECORD"}\n' * len(rows))
        if rows:
            params["starting_after"] = rows[-1]["id"]


if __name__ == "__main__":
    main(*sys.argv[1:])
