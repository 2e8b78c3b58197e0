// Watching: what a session does with what it receives.

import {deepEqual, equal, ok} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it, mock} from 'node:test';

import {Event} from './api';
import {problem} from './gateway.fake';
import type {Told} from './gateway.fake';
import {FakeElement, asElement} from './media.fake';
import type {FakePeer} from './media.fake';
import {Bench, holdTime, pass, settle} from './session.support';

const ON_STAGE: Told = {event: 'stage', seats: [{slot: 'v1', participant: 'alice', name: 'Alice'}]};

describe('watching', () => {
  beforeEach(holdTime);
  afterEach(() => mock.timers.reset());

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

  it('an old connection that nobody ends is closed after ten seconds, one given up for a third at once', async () => {
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
    bench.gateway.replies.set('offer', () => problem('may-not-view', 403));
    bench.gateway.tell({event: 'connect', connection: 'c12', purpose: 'receive', replaces: 'c10', reason: 'moved'});
    const {length} = bench.gateway.of('offer');
    await pass(9_000);
    equal(bench.gateway.of('offer').length, length + 1);
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

  it('lets elements go when it is over', async () => {
    const bench = new Bench();
    const session = await bench.join();
    const [shown, late] = [new FakeElement(), new FakeElement()];
    const detach = session.attach('v1', asElement(shown));
    await session.leave();
    deepEqual([shown.shown, shown.listener], [null, null]);
    session.attach('v1', asElement(late));
    detach();
    equal(late.listener, null);
    await pass(5_000);
    deepEqual([bench.gateway.of('layout'), bench.gateway.of('statistics').length], [[], 0]);
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
    deepEqual([old?.playing, now?.volume, now?.output], [null, 0.4, 'headset']);
    equal(now?.playing, bench.peer.lines[0]?.track);
  });

  it('tells figures every two seconds, and counts pictures over a move', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await pass(4_100);
    equal(bench.gateway.of('statistics').length, 2);
    const {connections} = bench.gateway.last('statistics');
    const [figures] = connections as {connection: string; rtt_ms: number; streams: unknown[]}[];
    deepEqual([figures?.connection, figures?.rtt_ms, figures?.streams.length], ['c1', 20, 6]);
    const [before] = bench.of(Event.Statistics).slice(-1);
    equal(before?.connections[0]?.streams[1]?.slot, 'v1');
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await pass(300);
    const after = await session.statistics();
    ok((after.frames.v1 ?? 0) > (before?.frames.v1 ?? 0));
  });
});
