// Watching, going on stage and leaving it: what a session does with media when it is told things.

import {deepEqual, equal, ok, rejects} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it, mock} from 'node:test';

import {Event} from './api';
import {problem} from './gateway.fake';
import {FakeElement, asElement, asFake, fakeTrack} from './media.fake';
import type {FakePeer} from './media.fake';
import type {Event as Told} from './messages';
import {Bench, holdTime, pass, settle, tracks} from './session.support';

const LIVE: Told = {event: 'role', role: 'speaker', live: true, by: 'mod'};
const DEMOTED: Told = {event: 'role', role: 'viewer', live: false, by: 'mod'};
const ON_STAGE: Told = {event: 'stage', seats: [{slot: 'v1', participant: 'alice', name: 'Alice'}]};
const sent = (peer: FakePeer): (MediaStreamTrack | null)[] => peer.lines.map(each => each.sent);

/** A candidate with open devices who was promoted: receives on peer 0, talks on 1, sends on 2. */
async function promoted(): Promise<{bench: Bench; receive: FakePeer; voice: FakePeer; send: FakePeer; mine: ReturnType<typeof tracks>}> {
  const [bench, mine] = [new Bench(), tracks()];
  await bench.join({tracks: mine});
  await bench.candidate();
  bench.gateway.tell(LIVE);
  await pass(50);
  const [receive, voice, send] = bench.media.peers as [FakePeer, FakePeer, FakePeer];
  return {bench, receive, voice, send, mine};
}

describe('session', () => {
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

  it('a viewer shows no screen', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await rejects(session.shareScreen(fakeTrack('video')), {reason: 'not-on-stage'});
  });

  it('a move: the new connection takes over when it has pictures, then the old one ends', async () => {
    const bench = new Bench();
    const session = await bench.join();
    bench.gateway.tell(ON_STAGE);
    bench.media.flows = false;
    const [old, before] = [bench.peer, session.tracks.get('v1')];
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await pass(1_000);
    equal(session.tracks.get('v1'), before);
    deepEqual(bench.gateway.of('flowing'), []);
    bench.media.flows = true;
    await pass(100);
    equal(session.tracks.get('v1'), bench.peer.lines[1]?.track);
    deepEqual(bench.gateway.of('flowing'), [{connection: 'c9'}]);
    equal(old.state, 'connected');
    bench.gateway.tell({event: 'disconnect', connection: 'c1'});
    equal(old.state, 'closed');
    equal(bench.media.players[0]?.playing, bench.peer.lines[0]?.track);
  });

  it('an old connection that nobody ends is closed after ten seconds; so is one that is replaced by a third', async () => {
    const bench = new Bench();
    await bench.join();
    const [old] = bench.media.peers as [FakePeer];
    bench.media.connects = false;
    bench.gateway.tell({event: 'connect', connection: 'c8', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await pass(50);
    const second = bench.peer;
    bench.media.connects = true;
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await pass(200);
    deepEqual([second.state, old.state], ['closed', 'connected']);
    await pass(10_100);
    equal(old.state, 'closed');
    deepEqual(bench.gateway.of('flowing'), [{connection: 'c9'}]);
  });

  it('asks for a connection by itself four seconds after its own failed, unless the gateway did', async () => {
    const bench = new Bench();
    await bench.join();
    bench.peer.become('failed');
    await pass(3_900);
    equal(bench.gateway.of('offer').length, 0);
    await pass(200);
    const {sdp: _sdp, ...offer} = bench.gateway.last('offer');
    deepEqual(offer, {connection: '', purpose: 'receive', sources: {}});
    await pass(500);
    bench.peer.become('failed');
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'receive', replaces: 'c2', reason: 'lost'});
    await pass(10_000);
    equal(bench.gateway.of('offer').length, 2);
  });

  it('a connection that cannot be had now is tried again', async () => {
    const bench = new Bench();
    await bench.join();
    bench.gateway.replies.set('offer', () => problem('no-capacity', 503));
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await pass(100);
    deepEqual(bench.of(Event.Problem).map(each => each.reason), ['no-capacity']);
    equal(bench.media.peers[0]?.state, 'connected');
    bench.gateway.replies.clear();
    await pass(4_200);
    equal(bench.gateway.of('flowing').length, 1);
  });

  it('a speaker is moved: camera and microphone go over, then the old connections end', async () => {
    const {bench, voice, send, mine} = await promoted();
    bench.media.connects = false;
    bench.gateway.tell({event: 'connect', connection: 'c8', purpose: 'send', replaces: 'c3', reason: 'moved'});
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'voice', replaces: 'c2', reason: 'moved'});
    await pass(50);
    const [talk, video] = bench.media.peers.slice(-2).sort((one, other) => other.offers - one.offers || one.lines.length - other.lines.length) as [FakePeer, FakePeer];
    const [newVoice, newSend] = talk.lines[0]?.kind === 'audio' ? [talk, video] : [video, talk];
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

  it('tells the layout of what is shown, once it stands still', async () => {
    const bench = new Bench();
    const session = await bench.join();
    const [large, small] = [new FakeElement(), new FakeElement()];
    large.size = {width: 1280, height: 720, visible: true};
    const detach = session.attach('v1', asElement(large));
    session.attach('v2', asElement(small));
    equal(large.shown, session.tracks.get('v1'));
    await pass(100);
    large.resize(960, 540);
    await pass(200);
    deepEqual(bench.gateway.of('layout'), [
      {videos: [{slot: 'v1', width: 960, height: 540}, {slot: 'v2', width: 320, height: 180}]},
    ]);
    large.resize(960, 540);
    await pass(200);
    equal(bench.gateway.of('layout').length, 1);
    small.resize(0, 0);
    detach();
    await pass(200);
    deepEqual(bench.gateway.last('layout'), {videos: []});
    equal(large.shown, null);
  });

  it('says when sound wants a click, and starts it then', async () => {
    const bench = new Bench();
    bench.media.mayPlay = false;
    const session = await bench.join();
    equal(session.audioBlocked, true);
    bench.media.mayPlay = true;
    await session.startAudio();
    deepEqual([session.audioBlocked, bench.of(Event.AudioBlocked)], [false, [{blocked: false}]]);
    await session.setAudioOutput('headset');
    session.setVolume(0.4);
    session.attachAudio();
    await settle();
    const [old, now] = bench.media.players;
    deepEqual([old?.playing, now?.volume, now?.output, now?.playing], [null, 0.4, 'headset', bench.peer.lines[0]?.track]);
  });

  it('tells figures every two seconds, and counts pictures over a move', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await pass(4_100);
    equal(bench.gateway.of('statistics').length, 2);
    const [figures] = bench.gateway.last('statistics').connections as {connection: string; rtt_ms: number; streams: unknown[]}[];
    deepEqual([figures?.connection, figures?.rtt_ms, figures?.streams.length], ['c1', 20, 6]);
    const [before] = bench.of(Event.Statistics).slice(-1);
    equal(before?.connections[0]?.streams[1]?.slot, 'v1');
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await pass(300);
    const after = await session.statistics();
    ok((after.frames.v1 ?? 0) > (before?.frames.v1 ?? 0));
  });
});
