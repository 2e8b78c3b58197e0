"""Remote publishers of the VideoRoom of ``fake_janus``; answers and codes as captured from 1.4.1."""

from __future__ import annotations

from tests.support.fake_plugin import Context, FakePlugin, Json, Refused


class FakeRemotes(FakePlugin):
    """The part of VideoRoom that sends publishers to other rooms and takes those of others in."""

    def do_add_remote_publisher(self, body: Json) -> Json:
        people = self._context(body).people
        if body["id"] in people:
            raise Refused(436, f"User ID {body['id']} already exists")
        people[body["id"]] = {"publisher": True, "remote": True}
        return {"id": body["id"], "port": next(self.ports), "rtcp_port": next(self.ports)}

    def do_remove_remote_publisher(self, body: Json) -> Json:
        people = self._context(body).people
        if not people.get(body["id"], {}).get("remote"):
            raise Refused(428, f"No such remote publisher ({body['id']})")
        del people[body["id"]]
        return {}

    def do_publish_remotely(self, body: Json) -> Json:
        self._admin(body)
        publisher = self._publisher(self._context(body), body)
        if publisher.get("remote"):
            raise Refused(430, "Only local publishers can be remotized")
        remotes = publisher.setdefault("remotes", {})
        if body["remote_id"] in remotes:
            raise Refused(436, f"Remotization already exists ({body['remote_id']})")
        remotes[body["remote_id"]] = {name: body[name] for name in ("remote_id", "host", "port", "rtcp_port")}
        return {"id": body["publisher_id"], "remote_id": body["remote_id"]}

    def do_unpublish_remotely(self, body: Json) -> Json:
        remotes = self._publisher(self._context(body), body).get("remotes", {})
        if remotes.pop(body["remote_id"], None) is None:
            raise Refused(428, f"No such remotization ({body['remote_id']})")
        return {"id": body["publisher_id"]}

    def do_listremotes(self, body: Json) -> Json:
        remotes = self._publisher(self._context(body), body).get("remotes", {})
        return {"id": body["publisher_id"], "list": list(remotes.values())}

    @staticmethod
    def _publisher(context: Context, body: Json) -> Json:
        found = context.people.get(body["publisher_id"])
        if found is None:
            raise Refused(428, f"No such publisher ({body['publisher_id']})")
        return found
