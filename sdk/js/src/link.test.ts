// Joining, breaking and resuming, as transcripts between a session and a gateway.

import {deepEqual, equal, ok, rejects} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it, mock} from 'node:test';

import {Event, State} from './api';
import {problem} from './gateway.fake';
import {connect} from './index';
import {FakeElement, asElement} from './media.fake';
import {Bench, TOKEN, holdTime, pass, settle, tracks} from './session.support';

const refuse = (kind: string, status: number, more = {}) => () => problem(kind, status, more);

describe('link', () => {
  beforeEach(holdTime);
  afterEach(() => mock.timers.reset());

  it('joins with an offer of one sound and five videos, and trickles', async () => {
    const bench = new Bench();
    const session = await bench.join({name: 'Bob', measuredRtt: {eu: 12}});
    const {offer, ...join} = bench.gateway.last('join');
    const own = {name: 'Bob', measured_rtt: {eu: 12}, agent: 'rtcdn-js/0.1.0'};
    deepEqual(join, {version: 1, session: 'demo', token: TOKEN, ready: false, ...own});
    equal([...String(offer).matchAll(/^m=/gm)].length, 6);
    equal(bench.gateway.socket.protocol, 'rtcdn.v1');
    ok(/^wss:\/\/cdn\.example:8443\/ws\?c=[0-9a-f]{32}$/.test(bench.gateway.socket.url));
    const {candidates, ...trickled} = bench.gateway.last('candidates');
    deepEqual([trickled, (candidates as unknown[]).length], [{connection: 'c1', complete: true}, 1]);
    deepEqual([session.id, session.participant, session.region, session.state], ['demo', 'bob', 'eu', State.Live]);
    deepEqual([...session.tracks.keys()], ['v1', 'v2', 'v3', 'v4', 's1']);
  });

  it('says why it may not join, and what to do', async () => {
    const bench = new Bench();
    bench.gateway.replies.set('join', refuse('bad-token', 401, {detail: 'it is too old', cure: 'ask for a new one'}));
    await rejects(bench.join(), {reason: 'bad-token', detail: 'it is too old', cure: 'ask for a new one', status: 401});
    deepEqual([bench.gateway.sockets.length, bench.gateway.socket.open, bench.gateway.watched], [1, false, false]);
    ok(bench.media.peers.every(each => each.state === 'closed'));
    const ports = {media: bench.media, transport: bench.gateway};
    await rejects(connect('https://cdn.example', 'no token', ports), {reason: 'bad-token'});
  });

  it('throws what ended it in the moment in which it was joined', async () => {
    const bench = new Bench();
    bench.gateway.replies.set('join', asked => {
      bench.gateway.tell({event: 'closed', reason: 'expired'});
      return bench.gateway.reply(asked);
    });
    await rejects(bench.join(), {reason: 'expired'});
    ok(bench.media.peers.every(each => each.state === 'closed'));
    equal(bench.gateway.watched, false);
  });

  it('tries again when the gateway is full, not before it said', async () => {
    const bench = new Bench();
    let tries = 0;
    const full = problem('gateway-full', 503, {retry_after_s: 3});
    bench.gateway.replies.set('join', asked => (tries++ ? bench.gateway.reply(asked) : full));
    const joining = bench.join();
    await pass(2_900);
    equal(tries, 1);
    await pass(200);
    equal((await joining).state, State.Live);
  });

  it('gives up joining when no gateway answers', async () => {
    const bench = new Bench();
    bench.gateway.reachable = false;
    const failed = rejects(bench.join(), {reason: 'transport'});
    await pass(21_000);
    await failed;
    ok(bench.gateway.sockets.length > 4);
  });

  it('resumes where it was; media go on', async () => {
    const bench = new Bench();
    const session = await bench.join({tracks: tracks()});
    bench.gateway.tell({event: 'data', n: 7, sender: 'alice', data: 'x'});
    bench.gateway.tell({event: 'muted', on: true, by: 'mod'});
    await session.raiseHand();
    const [peers, url] = [bench.media.peers.length, bench.gateway.socket.url];
    bench.gateway.socket.cut();
    await settle();
    const {token: _token, key, ...resume} = bench.gateway.last('resume');
    deepEqual(resume, {version: 1, session: 'demo', ready: true, participant: 'bob', last: 7, hand: true, muted: true});
    equal(key, 'k'.repeat(32));
    deepEqual([bench.media.peers.length, bench.peer.state, bench.gateway.socket.url], [peers, 'connected', url]);
    deepEqual(bench.of(Event.State).map(each => each.state), [State.Reconnecting, State.Live]);
    bench.gateway.tell({event: 'data', n: 7, sender: 'alice', data: 'x'});
    bench.gateway.tell({event: 'data', n: 8, sender: 'alice', data: 'y'});
    deepEqual(bench.of(Event.Data).map(each => each.data), ['x', 'y']);
  });

  it('says layout, wishes and limit again after a resume: another gateway has never heard of them', async () => {
    const bench = new Bench();
    const session = await bench.join();
    session.attach('v1', asElement(new FakeElement()));
    session.watch(['ada']);
    await session.setQuality('low');
    await session.raiseHand();
    await pass(200);
    bench.gateway.tell({event: 'closing', reason: 'upgrade'});
    await pass(200);
    const shown = {videos: [{slot: 'v1', width: 320, height: 180}]};
    deepEqual(bench.gateway.of('layout'), [shown, shown]);
    deepEqual(bench.gateway.of('watch'), [{participants: ['ada']}, {participants: ['ada']}]);
    deepEqual(bench.gateway.of('quality'), [{limit: 'low'}, {limit: 'low'}]);
    deepEqual([bench.gateway.of('resume').length, bench.gateway.of('hand').length], [1, 1]);
  });

  it('keeps the newest of what is a state, and refuses the rest', async () => {
    const bench = new Bench();
    const session = await bench.join();
    bench.gateway.reachable = false;
    bench.gateway.socket.cut();
    await settle();
    const kept = [session.mute(true), session.setQuality('low'), session.mute(false), session.setQuality('high')];
    await rejects(session.send('lost'), {reason: 'reconnecting'});
    await rejects(session.promote('alice'), {reason: 'reconnecting'});
    bench.gateway.reachable = true;
    await pass(1_000);
    await Promise.all(kept);
    deepEqual(bench.gateway.of('mute'), [{on: false}]);
    deepEqual(bench.gateway.of('quality'), [{limit: 'high'}]);
    deepEqual(bench.gateway.of('send'), []);
  });

  it('asks again what was cut off, unless it might be done twice', async () => {
    const bench = new Bench();
    const session = await bench.join();
    for (const type of ['hand', 'send']) bench.gateway.replies.set(type, () => null);
    const hand = session.raiseHand();
    const failed = rejects(session.send('once'), {reason: 'reconnecting'});
    bench.gateway.replies.clear();
    bench.gateway.socket.cut();
    await failed;
    await pass(100);
    await hand;
    deepEqual([bench.gateway.of('hand').length, bench.gateway.of('send').length], [2, 1]);
  });

  it('waits longer and longer, tries at once when online, gives up in the end', async () => {
    const bench = new Bench();
    await bench.join();
    bench.gateway.reachable = false;
    bench.gateway.socket.cut();
    const opened = (): number => bench.gateway.sockets.length - 1;
    await settle();
    equal(opened(), 1);
    await pass(200);
    equal(opened(), 1);
    await pass(100);
    equal(opened(), 2);
    await pass(500);
    equal(opened(), 3);
    bench.gateway.online();
    await settle();
    equal(opened(), 4);
    await pass(120_000);
    deepEqual(bench.of(Event.Closed).map(each => each.reason), ['connection-lost']);
    equal(bench.session.state, State.Closed);
    ok(bench.media.peers.every(each => each.state === 'closed'));
    const before = opened();
    await pass(60_000);
    equal(opened(), before);
    await rejects(bench.session.send('x'), {reason: 'closed'});
  });

  it('notices a gateway that is silent', async () => {
    const bench = new Bench();
    await bench.join();
    bench.gateway.replies.set('ping', () => null);
    await pass(19_000);
    equal(bench.gateway.sockets.length, 1);
    await pass(2_000);
    equal(bench.gateway.sockets.length, 2);
    equal(bench.gateway.of('resume').length, 1);
  });

  it('moves on at once when its gateway goes', async () => {
    const bench = new Bench();
    await bench.join();
    bench.gateway.tell({event: 'closing', reason: 'upgrade'});
    await settle();
    equal(bench.gateway.sockets.length, 2);
    equal(bench.session.state, State.Live);
    equal(bench.gateway.of('resume').length, 1);
  });

  it('joins anew when the gateway knows it no longer, and says again what it was', async () => {
    const bench = new Bench();
    const session = await bench.join();
    await session.setQuality('low');
    const [old] = bench.media.peers;
    bench.gateway.replies.set('resume', refuse('resume-expired', 410));
    bench.gateway.socket.cut();
    await settle();
    equal(old?.state, 'connected'); // pictures go on until the new connection has some
    equal(bench.gateway.of('join').length, 2);
    await pass(300);
    equal(bench.gateway.of('quality').length, 2);
    deepEqual(bench.gateway.last('flowing'), {connection: 'c2'});
    await pass(10_000);
    equal(old?.state, 'closed');
  });

  it('a hand that was lowered without a connection stays down, whether resumed or joined anew', async () => {
    for (const resumed of [true, false]) {
      const bench = new Bench();
      const session = await bench.join();
      await session.raiseHand();
      bench.gateway.reachable = false;
      bench.gateway.socket.cut();
      await settle();
      const lowered = session.raiseHand(false);
      bench.gateway.reachable = true;
      if (!resumed) bench.gateway.replies.set('resume', refuse('resume-too-late', 410));
      await pass(1_000);
      await lowered;
      equal(bench.gateway.last('resume').hand, false);
      deepEqual(bench.gateway.of('hand').map(each => each.up), [true, false]);
    }
  });

  it('is closed when a resume is refused for good', async () => {
    const bench = new Bench();
    await bench.join();
    bench.gateway.replies.set('resume', refuse('removed', 403, {detail: 'by a moderator'}));
    bench.gateway.socket.cut();
    await settle();
    deepEqual(bench.of(Event.Closed), [{reason: 'removed', by: '', detail: 'by a moderator'}]);
  });

  it('is closed when the gateway says so, and leaves when asked to', async () => {
    const bench = new Bench();
    await bench.join();
    bench.gateway.tell({event: 'closed', reason: 'removed', by: 'mod'});
    deepEqual(bench.of(Event.Closed), [{reason: 'removed', by: 'mod', detail: ''}]);
    equal(bench.gateway.socket.open, false);
    const other = new Bench();
    await (await other.join()).leave();
    deepEqual(other.of(Event.Closed).map(each => each.reason), ['left']);
    equal(other.gateway.of('leave').length, 1);
    const third = new Bench();
    await third.join();
    third.gateway.leavePage();
    equal(third.gateway.of('leave').length, 1);
    const fourth = new Bench();
    await fourth.join();
    fourth.gateway.replies.set('resume', () => null);
    fourth.gateway.socket.cut();
    await settle();
    fourth.gateway.leavePage(); // nobody to say it to
    equal(fourth.gateway.of('leave').length, 0);
  });

  it('an answer that does not come is an error, and the session goes on', async () => {
    const bench = new Bench();
    const session = await bench.join();
    bench.gateway.replies.set('promote', () => null);
    const failed = rejects(session.promote('alice'), {reason: 'timeout'});
    await pass(10_100);
    await failed;
    equal(session.state, State.Live);
  });
});
