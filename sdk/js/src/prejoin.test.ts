// What is found before joining, and the small pure parts: policy, token, view, figures.

import {deepEqual, equal, rejects, throws} from 'node:assert/strict';
import {describe, it, mock} from 'node:test';

import {Event} from './api';
import {figuresOf} from './browser.peer';
import {MediaProblem} from './errors';
import {FakeGateway} from './gateway.fake';
import type {Told} from './gateway.fake';
import {FakeMedia} from './media.fake';
import type {ServerEvent} from './messages';
import {reconnectPolicy} from './policy';
import {prejoin} from './prejoin';
import {TOKEN, settle} from './session.support';
import {sessionOf, socketUrl} from './token';
import {View} from './view';

const URL_ = 'https://cdn.example:8443';

function network(more: Record<string, unknown> = {}): FakeGateway {
  const gateway = new FakeGateway();
  const regions = [{region: 'eu', url: URL_}, {region: 'us', url: 'https://us.example'}];
  gateway.pages.set(`${URL_}/regions`, {status: 200, json: {regions, ...more}});
  gateway.pages.set(`${URL_}/ping`, {status: 204, json: null});
  return gateway;
}

const clock = (): (() => number) => {
  let ms = 0;
  return () => (ms += 7);
};

describe('prejoin and the pure parts', () => {
  it('finds devices and the way to each region', async () => {
    const report = await prejoin(URL_, TOKEN, {media: new FakeMedia(), transport: network(), now: clock()});
    deepEqual([report.camera.ok, report.microphone.ok, report.speakers.length], [true, true, 1]);
    deepEqual(report.regions.map(each => [each.region, each.rttMs, each.problem]), [
      ['eu', 7, undefined],
      ['us', null, 'it does not answer'],
    ]);
    deepEqual([report.measuredRtt, report.turn], [{eu: 7}, {present: false, reachable: false}]);
  });

  it('names the device that cannot be opened, and looks at the other all the same', async () => {
    const media = new FakeMedia();
    const denied = new MediaProblem('media-denied', 'camera', 'no', 'allow it');
    const {capture} = media;
    media.capture = wish => (wish.camera ? Promise.reject(denied) : capture.call(media, wish));
    const report = await prejoin(URL_, TOKEN, {media, transport: network()});
    deepEqual([report.camera.ok, report.camera.problem, report.microphone.ok], [false, denied, true]);
    await rejects(prejoin(URL_, TOKEN, {media, transport: new FakeGateway()}), {reason: 'transport'});
  });

  it('finds out whether TURN answers', async () => {
    const iceServers = [{urls: 'turn:turn.example', username: 'u', credential: 'p'}];
    const options = {media: new FakeMedia(), transport: network({ice_servers: iceServers}), devices: false};
    deepEqual((await prejoin(URL_, TOKEN, options)).turn, {present: true, reachable: false});
    const media = new FakeMedia();
    const {peer} = media;
    media.peer = (servers, listener) => {
      const candidate = 'candidate:1 1 udp 1 192.0.2.9 9 typ relay raddr';
      queueMicrotask(() => listener.candidate({candidate, mid: '0', line: 0}));
      return peer.call(media, servers, listener, true);
    };
    const {turn} = await prejoin(URL_, TOKEN, {media, transport: network(), iceServers, devices: false, now: clock()});
    deepEqual([turn.present, turn.reachable], [true, true]);
    equal(media.peers[0]?.state, 'closed');
  });

  it('closes its probe when TURN does not answer', async () => {
    mock.timers.enable({apis: ['setTimeout']});
    const [media, iceServers] = [new FakeMedia(), [{urls: 'turn:turn.example'}]];
    const {peer} = media;
    media.peer = servers => peer.call(media, servers, {state: () => undefined, candidate: () => undefined}, true);
    const found = prejoin(URL_, TOKEN, {media, transport: network(), iceServers, devices: false, now: clock()});
    await settle();
    equal(media.peers[0]?.state, 'new');
    mock.timers.tick(3_000);
    deepEqual([(await found).turn, media.peers[0]?.state], [{present: true, reachable: false}, 'closed']);
    mock.timers.reset();
  });

  it('pauses 250 ms, then twice as long each time, 8 s at most, less what chance takes', () => {
    const policy = reconnectPolicy();
    deepEqual([0, 1, 2, 3, 9].map(each => policy.pauseMs(each, 0)), [0, 250, 500, 1000, 8000]);
    equal(policy.pauseMs(2, 0.5), 425);
    equal(reconnectPolicy({firstMs: 100, factor: 3}).pauseMs(2, 0), 300);
  });

  it('reads the session from a token and makes the address of the socket', () => {
    equal(sessionOf(TOKEN), 'demo');
    for (const token of ['', 'a.b.c', `x.${btoa('{}')}.y`]) throws(() => sessionOf(token), {reason: 'bad-token'});
    equal(socketUrl('https://a:8443/x', 'ab'), 'wss://a:8443/ws?c=ab');
    equal(socketUrl('http://127.0.0.1:9', 'ab'), 'ws://127.0.0.1:9/ws?c=ab');
    throws(() => socketUrl('nowhere', 'ab'), {reason: 'bad-url'});
  });

  it('fills what events leave out, and knows what it has been told', () => {
    const view = new View();
    const take = (event: Told): unknown => view.take(event as ServerEvent);
    deepEqual(take({event: 'stage', seats: [{slot: 'v1', participant: 'a'}]}), [
      Event.Stage,
      {seats: [{slot: 'v1', participant: 'a', name: '', source: 'camera'}], main: 'v1'},
    ]);
    deepEqual(take({event: 'hands', queue: [{participant: 'a', name: 'A', since_s: 3}], place: 2}), [
      Event.Hands,
      {queue: [{participant: 'a', name: 'A', sinceS: 3}], place: 2},
    ]);
    deepEqual(take({event: 'presence', left: ['b']}), [Event.Presence, {joined: [], left: ['b'], changed: []}]);
    take({event: 'talking', participants: ['a']});
    deepEqual([[...view.talking], view.hands.place, view.stage.seats.length], [['a'], 2, 1]);
    equal(take({event: 'something-new'} as unknown as Told), null);
  });

  it('adds up the layers of a camera, and reads the round trip of the pair in use', () => {
    const layer = (id: string, width: number): Parameters<typeof figuresOf>[0][number] => ({
      id,
      type: 'outbound-rtp',
      kind: 'video',
      mid: '1',
      frameWidth: width,
      framesEncoded: 10,
      packetsSent: 5,
      bytesSent: 100,
    });
    const pair = {id: 'p', type: 'candidate-pair', kind: 'video' as const, currentRoundTripTime: 0.04};
    const transport = {id: 't', type: 'transport', kind: 'video' as const, selectedCandidatePairId: 'p'};
    const {rttMs, streams} = figuresOf([layer('h', 1280), layer('l', 320), pair, transport]);
    deepEqual([rttMs, streams.length], [40, 1]);
    deepEqual([streams[0]?.width, streams[0]?.packets, streams[0]?.bytes, streams[0]?.frames], [1280, 10, 200, 10]);
  });
});
