// A whole session on real media: the gateway is a fake one of the page, its connections are looped back.

import {Event} from './api';
import type {Session} from './api';
import {LoopBack, report} from './chromium.support';
import {FakeGateway} from './gateway.fake';
import type {Asked} from './gateway.fake';
import {capture, connect} from './index';
import {check, until} from './media.suite';

const TOKEN = `e30.${btoa(JSON.stringify({sid: 'demo', sub: 'bob'}))}.x`;
const VIDEOS = 2;

/** A fake gateway whose connections carry real media. */
class Stand {
  readonly gateway = new FakeGateway();
  readonly fars = new Map<string, LoopBack>();
  session!: Session;

  async join(tracks = {}): Promise<this> {
    for (const type of ['join', 'offer']) this.gateway.replies.set(type, asked => this.reply(asked));
    this.session = await connect(location.href, TOKEN, {transport: this.gateway, videos: VIDEOS, tracks});
    return this;
  }

  private async reply(asked: Asked): Promise<Record<string, unknown>> {
    const reply = this.gateway.reply(asked);
    const answer = (asked.type === 'join' ? reply.receive : reply) as {connection: string; sdp: string};
    const far = this.fars.get(answer.connection) ?? new LoopBack();
    this.fars.set(answer.connection, far);
    answer.sdp = await far.answer(String(asked.type === 'join' ? asked.offer : asked.sdp));
    return reply;
  }

  far(connection: string): LoopBack {
    return this.fars.get(connection) as LoopBack;
  }

  async leave(): Promise<void> {
    await this.session.leave();
    this.fars.forEach(each => each.close());
  }
}

/** A video in view that notes when each picture came. */
class Screen {
  readonly element = document.createElement('video');
  private readonly times: number[] = [];

  constructor(width: number) {
    this.element.style.cssText = `display: block; width: ${width}px; aspect-ratio: 16 / 9`;
    document.body.prepend(this.element);
    const next = (): void => {
      this.times.push(performance.now());
      this.element.requestVideoFrameCallback(next);
    };
    this.element.requestVideoFrameCallback(next);
  }

  get pictures(): number {
    return this.times.length;
  }

  async more(count: number): Promise<void> {
    const wanted = this.pictures + count;
    await until(`${count} more pictures`, () => this.pictures >= wanted);
  }

  /** The longest time without a picture since there were so many. */
  gapMs(since: number): number {
    const times = this.times.slice(since - 1);
    return Math.round(Math.max(...times.slice(1).map((each, index) => each - (times[index] ?? each))));
  }
}

async function watching(): Promise<{stand: Stand; screen: Screen}> {
  const stand = await new Stand().join();
  const screen = new Screen(640);
  stand.session.attach('v1', screen.element);
  await screen.more(20);
  return {stand, screen};
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

void report({
  async 'what is shown is told in device pixels'() {
    const {stand} = await watching();
    await until('a layout', () => stand.gateway.of('layout').length > 0);
    const width = 640 * devicePixelRatio;
    const told = JSON.stringify(stand.gateway.last('layout'));
    check(told === JSON.stringify({videos: [{slot: 'v1', width, height: (width * 9) / 16}]}), told);
    await stand.leave();
  },

  async 'pictures go on over a move'() {
    const {stand, screen} = await watching();
    const {pictures} = screen;
    stand.gateway.tell({event: 'connect', connection: 'c2', purpose: 'receive', replaces: 'c1', reason: 'moved'});
    await until('the new one flows', () => stand.gateway.of('flowing').length === 1);
    stand.gateway.tell({event: 'disconnect', connection: 'c1', reason: 'moved'});
    await screen.more(30);
    const {connections} = await stand.session.statistics();
    check(connections.map(each => each.connection).join() === 'c2', 'one connection is left');
    const gapMs = screen.gapMs(pictures);
    check(gapMs < 1_000, `no picture for ${gapMs} ms`);
    await stand.leave();
    return `passed: longest gap ${gapMs} ms`;
  },

  async 'pictures and sound go on while the socket is cut'() {
    const {stand, screen} = await watching();
    const {pictures} = screen;
    stand.gateway.reachable = false;
    stand.gateway.socket.cut();
    await screen.more(60);
    stand.gateway.reachable = true;
    stand.gateway.online();
    await until('a resume', () => stand.gateway.of('resume').length > 0);
    await screen.more(10);
    const gapMs = screen.gapMs(pictures);
    check(gapMs < 1_000 && stand.fars.size === 1, `no picture for ${gapMs} ms`);
    await stand.leave();
    return `passed: longest gap ${gapMs} ms`;
  },

  async 'a candidate who is promoted is heard and seen, and silent when demoted'() {
    const stand = await new Stand().join(await capture());
    stand.gateway.tell({event: 'connect', connection: 'c2', purpose: 'voice', reason: 'ready'});
    await until('the voice connection', () => stand.fars.has('c2'));
    await pause(500);
    check(((await stand.far('c2').received('audio'))[0] ?? 0) === 0, 'nothing is heard before');
    const startedMs = performance.now();
    stand.gateway.tell({event: 'role', role: 'speaker', live: true, by: 'mod'});
    await until('his voice', async () => ((await stand.far('c2').received('audio'))[0] ?? 0) > 0);
    const heardMs = performance.now() - startedMs;
    await until('his picture', async () => ((await stand.fars.get('c3')?.received('video'))?.[0] ?? 0) > 0);
    const seenMs = performance.now() - startedMs;
    stand.gateway.tell({event: 'role', role: 'viewer', live: false, by: 'mod'});
    await pause(300);
    const before = (await stand.far('c2').received('audio'))[0];
    await pause(500);
    check((await stand.far('c2').received('audio'))[0] === before, 'nothing is heard after');
    await stand.leave();
    return `passed: heard after ${Math.round(heardMs)} ms, seen after ${Math.round(seenMs)} ms`;
  },

  async 'a screen is sent beside the camera'() {
    const stand = await new Stand().join(await capture());
    const problems: string[] = [];
    stand.session.on(Event.Problem, ({message}) => problems.push(message));
    await stand.session.publish();
    const [connection] = [...stand.fars.keys()].slice(-1);
    const far = stand.far(String(connection));
    await until('the camera', async () => ((await far.received('video'))[0] ?? 0) > 5);
    const canvas = Object.assign(document.createElement('canvas'), {width: 800, height: 600});
    const context = canvas.getContext('2d');
    const painting = setInterval(() => context?.fillRect(Math.random() * 800, Math.random() * 600, 9, 9), 40);
    await stand.session.shareScreen(canvas.captureStream(25).getTracks()[0]);
    await until('both', async () => (await far.received('video')).filter(each => each > 5).length === 2);
    await stand.session.stopScreen();
    clearInterval(painting);
    const {sources} = stand.gateway.last('sources');
    check(Object.values(sources as object).join() === 'camera,off', 'it is said to be off');
    check(problems.length === 0, problems.join());
    await stand.leave();
  },
});
