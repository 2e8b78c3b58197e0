// Entries and ICE servers: which are tried, which are used.

import {deepEqual, equal} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it, mock} from 'node:test';

import {State} from './api';
import {Bench, holdTime, pass} from './session.support';
import {byDistance} from './ways';

const turn = (name: string): Record<string, unknown>[] => [{urls: [`turn:${name}`], username: 'u', credential: 'c'}];

describe('ways', () => {
  beforeEach(holdTime);
  afterEach(() => mock.timers.reset());

  it('are ordered by round trip; what was not measured comes last', () => {
    const entries = ['eu', 'us', 'ap'].map(region => ({region}));
    deepEqual(byDistance(entries, {ap: 5, us: 4}).map(each => each.region), ['us', 'ap', 'eu']);
  });

  it('goes to the next entry when its own is away, and stays there', async () => {
    const bench = new Bench();
    bench.gateway.entries = ['eu', 'us', 'ap'].map(region => ({region, url: `https://${region}.example`}));
    await bench.join({measuredRtt: {ap: 90, us: 200}});
    const hosts = (): string[] => bench.gateway.sockets.map(each => new URL(each.url).host);
    bench.gateway.reachable = false;
    bench.gateway.socket.cut();
    await pass(3_000);
    deepEqual([...new Set(hosts())], ['cdn.example:8443']);
    await pass(5_000);
    deepEqual([...new Set(hosts())], ['cdn.example:8443', 'ap.example']);
    bench.gateway.reachable = true;
    await pass(9_000);
    equal(bench.session.state, State.Live);
    equal(bench.gateway.last('resume').participant, 'bob');
    const at = hosts().pop();
    bench.gateway.socket.cut();
    await pass(100);
    equal(hosts().pop(), at);
    equal(new Set(bench.gateway.sockets.map(each => new URL(each.url).search)).size, 1);
  });

  it('offers before it knows the ICE servers, and looks for candidates by those that the answer names', async () => {
    const bench = new Bench();
    bench.gateway.iceServers = turn('one');
    await bench.join({relayOnly: true});
    const [first] = bench.media.peers;
    deepEqual([first?.iceServers, first?.relayOnly, first?.state], [turn('one'), true, 'connected']);
    bench.gateway.tell({event: 'ice-servers', ice_servers: turn('two')});
    const voice = await bench.candidate();
    deepEqual([voice.iceServers, voice.relayOnly], [turn('two'), true]);
    bench.gateway.tell({event: 'connect', connection: 'c9', purpose: 'voice', ice_servers: turn('three')});
    await pass(50);
    deepEqual(bench.peer.iceServers, turn('three'));
  });
});
