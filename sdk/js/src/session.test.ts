// On stage and off it: what a session does with microphone, camera and screen.

import {deepEqual, equal, rejects} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it, mock} from 'node:test';

import {Event} from './api';
import {problem} from './gateway.fake';
import type {Told} from './gateway.fake';
import {asFake, fakeTrack} from './media.fake';
import type {FakePeer} from './media.fake';
import {Bench, holdTime, pass, settle, tracks} from './session.support';
import {layersOf} from './sending';

const LIVE: Told = {event: 'role', role: 'speaker', live: true, by: 'mod'};
const DEMOTED: Told = {event: 'role', role: 'viewer', live: false, by: 'mod'};
const sent = (peer: FakePeer): (MediaStreamTrack | null)[] => peer.lines.map(each => each.sent);

interface Promoted {
  bench: Bench;
  receive: FakePeer;
  voice: FakePeer;
  send: FakePeer;
  mine: ReturnType<typeof tracks>;
}

/** A candidate with open devices who was promoted: receives on peer 0, talks on 1, sends on 2. */
async function promoted(): Promise<Promoted> {
  const [bench, mine] = [new Bench(), tracks()];
  await bench.join({tracks: mine});
  await bench.candidate();
  bench.gateway.tell(LIVE);
  await pass(50);
  const [receive, voice, send] = bench.media.peers as [FakePeer, FakePeer, FakePeer];
  return {bench, receive, voice, send, mine};
}

describe('on stage', () => {
  beforeEach(holdTime);
  afterEach(() => mock.timers.reset());

  it('a candidate encodes nothing and hears the mix', async () => {
    const bench = new Bench();
    const session = await bench.join({tracks: tracks()});
    const voice = await bench.candidate();
    deepEqual(sent(voice), [null]);
    deepEqual(bench.gateway.last('offer').sources, {'0': 'microphone'});
    equal(bench.media.players[0]?.playing, bench.media.peers[0]?.lines[0]?.track);
    equal(session.live, false);
  });

  it('promoted, he is heard and seen at once, and never hears himself', async () => {
    const {bench, receive, voice, send, mine} = await promoted();
    deepEqual(sent(voice), [mine.microphone]);
    deepEqual(send.lines.map(each => [each.sent, each.layers.map(layer => [layer.rid, layer.scale])]), [
      [mine.camera, [['h', 1], ['m', 2], ['l', 4]]],
    ]);
    const {sdp: _sdp, ...offer} = bench.gateway.last('offer');
    deepEqual(offer, {connection: '', purpose: 'send', sources: {'0': 'camera'}});
    equal(bench.media.players[0]?.playing, voice.lines[0]?.track);
    equal(receive.offers, 1);
    deepEqual([bench.session.live, bench.session.role], [true, 'speaker']);
  });

  it('demoted, he is silent and unseen, and hears the mix again; nothing is renegotiated', async () => {
    const {bench, receive, voice, send} = await promoted();
    bench.gateway.tell(DEMOTED);
    equal(send.state, 'closed');
    await pass(50);
    deepEqual(sent(voice), [null]);
    equal(bench.media.players[0]?.playing, receive.lines[0]?.track);
    deepEqual([receive.offers, voice.offers, bench.media.peers.length], [1, 1, 3]);
    bench.gateway.tell(LIVE);
    await pass(50);
    equal(bench.media.peers.length, 4);
  });

  it('promoted before the gateway knew of his devices, he goes live by himself', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await session.prepare(tracks());
    bench.gateway.tell({event: 'role', role: 'speaker', live: false, by: 'mod'});
    await pass(50);
    deepEqual(bench.gateway.of('publish'), [{muted: false}]);
    const other = new Bench();
    await other.join();
    other.gateway.tell({event: 'role', role: 'speaker', live: false, by: 'mod'});
    await pass(50);
    deepEqual(other.gateway.of('publish'), []);
  });

  it('promoted, his picture does not wait for his voice; a voice that is lost takes no picture away', async () => {
    const bench = new Bench();
    await bench.join({tracks: tracks()});
    const voice = await bench.candidate();
    bench.gateway.tell({event: 'role', role: 'speaker', live: false, by: 'mod', reason: 'promoted'});
    await pass(50);
    const send = bench.peer;
    deepEqual([send.lines.length, sent(voice)], [1, [null]]);
    bench.gateway.tell(LIVE);
    bench.gateway.tell({event: 'disconnect', connection: 'c2', reason: 'lost'});
    bench.gateway.tell({event: 'role', role: 'speaker', live: false});
    await pass(50);
    deepEqual([send.state, voice.state], ['connected', 'closed']);
    equal(bench.media.players[0]?.playing, bench.media.peers[0]?.lines[0]?.track);
  });

  it('publishes muted, with devices that it opens itself, and stops them when it leaves', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await session.publish(undefined, {muted: true});
    deepEqual(bench.gateway.last('publish'), {muted: true});
    const {camera, microphone} = session.localTracks;
    equal(microphone?.enabled, false);
    equal(bench.gateway.last('offer').purpose, 'send');
    await session.unpublish();
    equal(bench.peer.state, 'closed');
    equal(camera?.readyState, 'live');
    await session.leave();
    equal(camera?.readyState, 'ended');
  });

  it('says why one may not go on stage', async () => {
    const bench = new Bench();
    const session = await bench.join({tracks: tracks()});
    bench.gateway.replies.set('publish', () => problem('stage-full', 409));
    await rejects(session.publish(), {reason: 'stage-full'});
    equal(bench.media.peers.length, 1);
  });

  it('a moderator mutes him, and he unmutes himself', async () => {
    const {bench, mine} = await promoted();
    bench.gateway.tell({event: 'muted', on: true, by: 'mod'});
    deepEqual([mine.microphone.enabled, bench.session.muted], [false, true]);
    await bench.session.mute(false);
    deepEqual([mine.microphone.enabled, bench.session.muted], [true, false]);
    deepEqual(bench.gateway.of('mute'), [{on: false}]);
    await bench.session.mute(true, 'alice');
    deepEqual(bench.gateway.last('mute'), {on: true, participant: 'alice'});
  });

  it('switches the camera off, on and to another without an offer', async () => {
    const {bench, send} = await promoted();
    const other = fakeTrack('video');
    await bench.session.setCamera(null);
    deepEqual(bench.gateway.last('sources'), {connection: 'c3', sources: {'0': 'off'}});
    await bench.session.setCamera(other);
    deepEqual(bench.gateway.last('sources'), {connection: 'c3', sources: {'0': 'camera'}});
    await bench.session.setCamera(fakeTrack('video'));
    deepEqual([bench.gateway.of('sources').length, send.offers], [2, 1]);
  });

  it('a device that is unplugged is not sent any more, and the application is told', async () => {
    const {bench, voice, mine} = await promoted();
    asFake(mine.camera).end();
    asFake(mine.microphone).end();
    await settle();
    deepEqual(bench.gateway.last('sources'), {connection: 'c3', sources: {'0': 'off'}});
    deepEqual([sent(voice), bench.session.localTracks], [[null], {}]);
    deepEqual(bench.of(Event.Problem).map(each => each.reason), ['media-gone', 'media-gone']);
    const [first, second] = [fakeTrack('video'), fakeTrack('video')];
    await bench.session.setCamera(first);
    await bench.session.setCamera(second);
    asFake(first).end();
    await settle();
    equal(bench.session.localTracks.camera, second);
  });

  it('shows a screen beside the camera, until the person stops it', async () => {
    const {bench, send} = await promoted();
    await bench.session.shareScreen();
    const {screen} = bench.session;
    equal(screen?.contentHint, 'detail');
    deepEqual([send.offers, send.lines.length, send.lines[1]?.layers.length], [2, 2, 0]);
    const {sdp: _sdp, ...offer} = bench.gateway.last('offer');
    deepEqual(offer, {connection: 'c3', purpose: 'send', sources: {'0': 'camera', '1': 'screen'}});
    asFake(screen as MediaStreamTrack).end();
    await settle();
    equal(bench.session.screen, null);
    deepEqual(bench.gateway.last('sources'), {connection: 'c3', sources: {'0': 'camera', '1': 'off'}});
    await bench.session.shareScreen(fakeTrack('video'));
    deepEqual([send.offers, bench.gateway.last('sources').sources], [2, {'0': 'camera', '1': 'screen'}]);
  });

  it('sends a camera in layers, and a small one plain', () => {
    const [large, small] = [fakeTrack('video'), fakeTrack('video')];
    asFake(small).size = {width: 640, height: 360};
    deepEqual([layersOf(large).length, layersOf(small).length], [3, 0]);
  });

  it('a screen for which another was faster is dropped, the camera goes on', async () => {
    const {bench, send} = await promoted();
    await bench.session.shareScreen();
    const problems = (): string[] => bench.of(Event.Problem).map(each => each.reason);
    bench.gateway.tell({event: 'disconnect', connection: 'c3', reason: 'screen-taken', source: 'screen'});
    await settle();
    deepEqual([problems(), bench.session.screen], [['screen-taken'], null]);
    deepEqual([send.state, bench.gateway.last('sources').sources], ['connected', {'0': 'camera', '1': 'off'}]);
  });

  it('a camera for which there is no place ends its connection and does not come again', async () => {
    const {bench, send} = await promoted();
    const problems = (): string[] => bench.of(Event.Problem).map(each => each.reason);
    const offers = bench.gateway.of('offer').length;
    bench.gateway.tell({event: 'disconnect', connection: 'c3', reason: 'stage-full'});
    await settle();
    deepEqual([problems(), send.state], [['stage-full'], 'closed']);
    deepEqual([bench.session.localTracks.camera, bench.gateway.of('offer').length], [undefined, offers]);
  });

  it('a screen that it asked for itself is stopped when one leaves the stage', async () => {
    const {bench} = await promoted();
    await bench.session.shareScreen();
    const {screen} = bench.session;
    bench.gateway.tell(DEMOTED);
    deepEqual([screen?.readyState, bench.session.screen], ['ended', null]);
  });

  it('who is no viewer may go on stage, whatever his rights; a viewer needs one', async () => {
    const may = async (role: 'viewer' | 'speaker' | 'moderator', rights: string[]): Promise<boolean> => {
      const bench = new Bench();
      Object.assign(bench.gateway, {role, rights});
      return (await bench.join()).can('publish');
    };
    deepEqual([await may('viewer', ['view', 'speak']), await may('viewer', ['publish'])], [false, true]);
    deepEqual([await may('speaker', []), await may('moderator', [])], [true, true]);
    const bench = new Bench();
    bench.gateway.rights = ['publish'];
    equal((await bench.join()).can('raise-hand'), true);
  });

  it('a viewer shows no screen', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await rejects(session.shareScreen(fakeTrack('video')), {reason: 'not-on-stage'});
  });

  it('a speaker is moved: camera and microphone go over, then the old connections end', async () => {
    const {bench, voice, send, mine} = await promoted();
    bench.media.connects = false;
    bench.gateway.tell({event: 'connect', connection: 'c8', purpose: 'send', replaces: 'c3', reason: 'moved'});
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'voice', replaces: 'c2', reason: 'moved'});
    await pass(50);
    const added = bench.media.peers.slice(-2);
    const carrying = (kind: string): FakePeer => added.find(each => each.lines[0]?.kind === kind) as FakePeer;
    const [newVoice, newSend] = [carrying('audio'), carrying('video')];
    deepEqual([sent(voice), sent(newVoice)], [[mine.microphone], [null]]);
    newVoice.become('connected');
    newSend.become('connected');
    await pass(50);
    deepEqual([sent(voice), sent(newVoice), sent(newSend)], [[null], [mine.microphone], [mine.camera]]);
    deepEqual(bench.gateway.of('flowing').map(each => each.connection).sort(), ['c8', 'c9']);
    equal(send.state, 'connected');
    for (const connection of ['c2', 'c3']) bench.gateway.tell({event: 'disconnect', connection});
    deepEqual([voice.state, send.state], ['closed', 'closed']);
    equal(bench.media.players[0]?.playing, newVoice.lines[0]?.track);
  });
});
