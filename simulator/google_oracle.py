#!/usr/bin/env python3
"""Drives the simulator's Google Calendar with Google's own client library: what that library cannot work with is no Google.

Part of `make test` (tests/tests/suite/google_client.rs). By hand, with the key file and the `control_url` of a simulator:

    bash scripts/setup-google-client.sh
    target/debug/kanzleisync-simulator --size 1 --google-key-file /tmp/key.json
    target/google-client/bin/python simulator/google_oracle.py /tmp/key.json http://127.0.0.1:.../control/

Ends with 0 when everything was as expected, with 1 and the differences when not. Wants a simulator that nobody has used yet.
"""

import json
import sys
import traceback
from urllib.request import Request, urlopen

from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

SCOPE = "https://www.googleapis.com/auth/calendar"
# What is left of check_lists' seven events.
LEFT = [f"event{number}" for number in (0, 1, 2, 3, 4, 6)]
differences = []


def expect(what, got, wanted):
    if got != wanted:
        differences.append(f"{what}: got {got!r}, wanted {wanted!r}")


def expect_refusal(what, request, status, reason):
    try:
        request.execute()
        got = (200, None)
    except HttpError as error:
        got = (error.resp.status, error.error_details[0]["reason"] if error.error_details else None)
    expect(what, got, (status, reason))


class Control:
    """The simulator's control interface: what Google does when it pleases, on demand."""

    def __init__(self, url):
        self.url = url

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        with urlopen(Request(self.url + path, data, headers, method=method)) as answer:
            return answer.read()

    def arm(self, operation, kind, nth=1, **more):
        self.ask("POST", "faults", {"calls": {"operation": operation, "nth": nth}, "kind": kind, **more})

    def armed(self):
        return json.loads(self.ask("GET", "faults"))


def conditional(request, etag):
    request.headers["If-Match"] = etag
    return request


def hour(event_id, day, **more):
    def at(hour):
        return {"dateTime": f"{day}T{hour:02}:00:00", "timeZone": "Europe/Berlin"}

    return {"id": event_id, "summary": "Besprechung", "start": at(9), "end": at(10), **more}


def pages(collection, request):
    """All items, the number of pages, the last answer."""
    items, number, answer = [], 0, {}
    while request is not None:
        answer = request.execute()
        items += answer.get("items", [])
        number += 1
        request = collection.list_next(request, answer)
    return items, number, answer


def check_calendars(google):
    made = google.calendars().insert(body={"summary": "AW-SB", "timeZone": "Europe/Berlin"}).execute()
    calendar = made["id"]
    expect("calendars.get", google.calendars().get(calendarId=calendar).execute(), made)
    expect("calendars.insert, zone", made["timeZone"], "Europe/Berlin")
    expect_refusal("no summary", google.calendars().insert(body={}), 400, "required")
    expect_refusal("unknown calendar", google.calendars().get(calendarId="x@example.org"), 404, "notFound")
    google.calendars().insert(body={"summary": "AW-AI"}).execute()
    listed, number, last = pages(google.calendarList(), google.calendarList().list(maxResults=1))
    expect("calendarList", sorted(entry["summary"] for entry in listed), ["AW-AI", "AW-SB"])
    expect("calendarList, pages", (number, "nextSyncToken" in last), (2, True))
    return calendar


def check_acl(google, calendar, account):
    rule = {"role": "owner", "scope": {"type": "user", "value": "kanzlei@gmail.example"}}
    made = google.acl().insert(calendarId=calendar, body=rule, sendNotifications=False).execute()
    expect("acl.insert", (made["id"], made["role"]), ("user:kanzlei@gmail.example", "owner"))
    google.acl().insert(calendarId=calendar, body=rule, sendNotifications=False).execute()
    rules, number, last = pages(google.acl(), google.acl().list(calendarId=calendar, maxResults=1))
    told = sorted((one["id"], one["role"]) for one in rules)
    expect("acl.list", told, sorted([(made["id"], "owner"), (f"user:{account}", "owner")]))
    expect("acl.list, pages", (number, "nextSyncToken" in last), (2, True))
    bad = google.acl().insert(calendarId=calendar, body={"role": "boss", "scope": rule["scope"]})
    expect_refusal("no such role", bad, 400, "invalid")


def check_lists(events, calendar):
    for number in range(7):
        events.insert(calendarId=calendar, body=hour(f"event{number}", "2026-03-02"), sendUpdates="none").execute()
    items, number, last = pages(events, events.list(calendarId=calendar, maxResults=3, singleEvents=False))
    expect("events.list", ([event["id"] for event in items], number), ([f"event{n}" for n in range(7)], 3))
    token = last.get("nextSyncToken")
    window = {"timeMin": "2026-03-02T09:00:00Z", "timeMax": "2026-03-03T00:00:00+01:00"}
    expect("window", events.list(calendarId=calendar, **window).execute()["items"], [])
    events.patch(calendarId=calendar, eventId="event3", body={"summary": "Neu"}).execute()
    events.delete(calendarId=calendar, eventId="event5", sendUpdates="none").execute()
    changes, number, last = pages(events, events.list(calendarId=calendar, syncToken=token, maxResults=1))
    told = [(event["id"], event["status"]) for event in changes]
    expect("changes", told, [("event3", "confirmed"), ("event5", "cancelled")])
    again = events.list(calendarId=calendar, syncToken=last["nextSyncToken"]).execute()
    expect("no changes", again["items"], [])
    expect_refusal(
        "syncToken with timeMin",
        events.list(calendarId=calendar, syncToken=token, timeMin="2026-03-02T00:00:00Z"),
        400,
        "badRequest",
    )
    full = events.list(calendarId=calendar).execute()
    expect("no tombstones", [event["id"] for event in full["items"]], LEFT)
    expect_refusal("no page token", events.list(calendarId=calendar, pageToken="x"), 400, "invalid")


def check_short_pages(events, calendar, control):
    """A page may be short or empty and still not be the last."""
    for nth, most in enumerate((0, 2, 0, 1), 1):
        control.arm("google.list_events", "short_page", nth, events=most)
    items, number, last = pages(events, events.list(calendarId=calendar, maxResults=2))
    # Empty, two, empty, one; then two and one.
    expect("short pages", ([event["id"] for event in items], number), (LEFT, 6))
    expect("short pages, armed", control.armed(), [])
    events.patch(calendarId=calendar, eventId="event0", body={"summary": "Anders"}).execute()
    control.arm("google.list_events", "short_page", events=0)
    changes, number, _ = pages(events, events.list(calendarId=calendar, syncToken=last["nextSyncToken"]))
    expect("changes after an empty page", ([event["id"] for event in changes], number), (["event0"], 2))


def check_sync_token_lost(google, calendar, control):
    """A sync token may lose its worth at any time: 410, and a full list gives a new one."""
    events = google.events()
    rule = {"role": "reader", "scope": {"type": "user", "value": "gast@example.org"}}

    def token():
        return events.list(calendarId=calendar).execute()["nextSyncToken"]

    def lost(what, old):
        expect_refusal(what, events.list(calendarId=calendar, syncToken=old), 410, "fullSyncRequired")
        expect(f"{what}, anew", events.list(calendarId=calendar, syncToken=token()).execute()["items"], [])

    old = token()
    control.ask("DELETE", "google/sync_tokens")
    lost("sync token expired", old)
    old = token()
    google.acl().insert(calendarId=calendar, body=rule).execute()
    lost("rights changed", old)
    expect_refusal("no sync token", events.list(calendarId=calendar, syncToken="x"), 400, "invalid")


def check_log_in(events, calendar, control):
    """A worthless access token is refused so that the library asks for another one and repeats the call."""
    control.arm("google.list_events", "expired_token")
    expect("after a lost token", len(events.list(calendarId=calendar).execute()["items"]), len(LEFT))
    expect("a lost token, armed", control.armed(), [])


def check_events(events, calendar):
    private = {"private": {"one": "1", "two": "2", "k" * 45: "dropped", "long": "x" * 1025}}
    made = events.insert(calendarId=calendar, body=hour("aaaaa", "2026-07-01", extendedProperties=private)).execute()
    expect("start", made["start"], {"dateTime": "2026-07-01T09:00:00+02:00", "timeZone": "Europe/Berlin"})
    kept = made["extendedProperties"]["private"]
    expect("properties", (sorted(kept), len(kept["long"])), (["long", "one", "two"], 1024))
    expect_refusal("unknown event", events.get(calendarId=calendar, eventId="uuuuu"), 404, "notFound")
    expect("events.get", events.get(calendarId=calendar, eventId="aaaaa").execute(), made)
    duplicate = events.insert(calendarId=calendar, body=hour("aaaaa", "2026-07-01"))
    expect_refusal("taken id", duplicate, 409, "duplicate")
    expect_refusal("bad id", events.insert(calendarId=calendar, body=hour("wxyz-", "2026-07-01")), 400, "invalid")
    guests = hour("bbbbb", "2026-07-01", attendees=[{"email": "gast@example.org"}])
    expect_refusal("guests", events.insert(calendarId=calendar, body=guests), 403, "forbiddenForServiceAccounts")
    empty = {"start": {"date": "2026-07-01"}, "end": {"date": "2026-07-01"}}
    expect_refusal("no length", events.insert(calendarId=calendar, body=empty), 400, "timeRangeEmpty")

    patch = {"extendedProperties": {"private": {"two": None, "long": None}}, "location": "Hannover"}
    after = events.patch(calendarId=calendar, eventId="aaaaa", body=patch, sendUpdates="none").execute()
    expect("patched", (after["extendedProperties"], after["location"]), ({"private": {"one": "1"}}, "Hannover"))
    expect("etag moves", after["etag"] != made["etag"], True)
    check_conditions(events, calendar, made, after)

    rule = ["RRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20261231T225959Z"]
    series = events.insert(calendarId=calendar, body=hour("sssss", "2026-03-02", recurrence=rule)).execute()
    expect("recurrence", series["recurrence"], rule)


def check_conditions(events, calendar, old, new):
    note = {"description": "notiert"}
    stale = events.patch(calendarId=calendar, eventId="aaaaa", body=note)
    expect_refusal("stale patch", conditional(stale, old["etag"]), 412, "conditionNotMet")
    fresh = conditional(events.patch(calendarId=calendar, eventId="aaaaa", body=note), new["etag"])
    noted = fresh.execute()
    expect("fresh patch", (noted["description"], noted["location"]), ("notiert", new["location"]))
    new = noted
    stale = events.update(calendarId=calendar, eventId="aaaaa", body=hour("aaaaa", "2026-07-02"))
    expect_refusal("stale update", conditional(stale, old["etag"]), 412, "conditionNotMet")
    stale = events.delete(calendarId=calendar, eventId="aaaaa")
    expect_refusal("stale delete", conditional(stale, old["etag"]), 412, "conditionNotMet")
    fresh = events.update(calendarId=calendar, eventId="aaaaa", body=hour("aaaaa", "2026-07-02"))
    replaced = conditional(fresh, new["etag"]).execute()
    expect("update clears", ("location" in replaced, "extendedProperties" in replaced), (False, False))
    delete = conditional(events.delete(calendarId=calendar, eventId="aaaaa"), replaced["etag"])
    expect("delete", delete.execute(), "")
    expect_refusal("deleted twice", events.delete(calendarId=calendar, eventId="aaaaa"), 410, "deleted")
    gone = events.get(calendarId=calendar, eventId="aaaaa").execute()
    expect("deleted", (gone["id"], gone["status"]), ("aaaaa", "cancelled"))
    expect_refusal("a deleted id", events.insert(calendarId=calendar, body=hour("aaaaa", "2026-07-01")), 409, "duplicate")


def check(key_file, control_url):
    control = Control(control_url)
    addresses = json.loads(control.ask("GET", "about"))["addresses"]
    account = service_account.Credentials.from_service_account_file(key_file, scopes=[SCOPE])
    google = build(
        "calendar",
        "v3",
        credentials=account,
        client_options={"api_endpoint": addresses["google_calendar_api_base_url"]},
        static_discovery=True,
        cache_discovery=False,
    )
    calendar = check_calendars(google)
    check_acl(google, calendar, account.service_account_email)
    check_lists(google.events(), calendar)
    check_short_pages(google.events(), calendar, control)
    check_sync_token_lost(google, calendar, control)
    check_log_in(google.events(), calendar, control)
    check_events(google.events(), calendar)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        check(*sys.argv[1:])
    except Exception:
        # The rest depends on what failed here.
        differences.append(traceback.format_exc())
    for difference in differences:
        print(difference)
    print("Google's client library and the simulator agree." if not differences else f"{len(differences)} differences.")
    sys.exit(1 if differences else 0)
