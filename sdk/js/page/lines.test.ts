// Lists of a thousand: what stays, what is asked for.

import {deepEqual, equal} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it} from 'node:test';

import type {Page, Person} from '../src/index';
import {firstOf, keepLines} from './lines';

/** A line in a list, and the list: as much of an element as is used. */
class FakeLine {
  readonly dataset: Record<string, string> = {};
  list: FakeList | null = null;

  constructor(readonly name: string) {
    this.dataset['person'] = name;
  }

  remove(): void {
    if (this.list) this.list.children = this.list.children.filter(each => each !== this);
    if (page.activeElement === this) page.activeElement = null;
  }

  focus(): void {
    page.activeElement = this;
  }
}

class FakeList {
  children: FakeLine[] = [];
  moves = 0;

  insertBefore(line: FakeLine, there: FakeLine | null): void {
    this.moves++;
    this.children = this.children.filter(each => each !== line);
    line.list = this;
    this.children.splice(there ? this.children.indexOf(there) : this.children.length, 0, line);
  }

  contains(line: FakeLine | null): boolean {
    return line !== null && this.children.includes(line);
  }

  querySelector(selector: string): FakeLine | null {
    return this.children.find(each => selector === `[data-person="${each.name}"]`) ?? null;
  }
}

const page = {activeElement: null as FakeLine | null};
const people = (count: number): Person[] =>
  Array.from({length: count}, (_, index) => ({
    participant: `p${String(index).padStart(4, '0')}`, name: '', role: 'viewer', hand: false, muted: false, live: false,
  }));

/** Show these; a key is a name, and what it says after a colon. */
function show(list: FakeList, keys: readonly string[]): number {
  let made = 0;
  const make = (key: string) => () => {
    made++;
    return new FakeLine(key.split(':')[0] ?? '') as unknown as HTMLElement;
  };
  keepLines(list as unknown as HTMLElement, keys.map(key => ({key, make: make(key)})));
  return made;
}

describe('lines', () => {
  beforeEach(() => {
    page.activeElement = null;
    Object.assign(globalThis, {document: page, CSS: {escape: (text: string) => text}});
  });
  afterEach(() => void Reflect.deleteProperty(globalThis, 'document'));

  it('makes only what is new, and moves nothing that stays', () => {
    const list = new FakeList();
    const keys = people(1000).map(each => each.participant);
    equal(show(list, keys), 1000);
    list.moves = 0;
    equal(show(list, keys.filter(key => key !== 'p0003')), 0);
    equal(list.moves, 0);
    equal(show(list, ['new', ...keys]), 2);
    deepEqual([list.moves, list.children.length], [2, 1001]);
    deepEqual(list.children.slice(0, 5).map(each => each.name), ['new', 'p0000', 'p0001', 'p0002', 'p0003']);
  });

  it('keeps the focus with the person, also where his line says something else now', () => {
    const list = new FakeList();
    show(list, ['ada', 'bo', 'cy']);
    const [, bo] = list.children;
    bo?.focus();
    show(list, ['bo', 'cy']);
    equal(page.activeElement, bo);
    show(list, ['bo:muted', 'cy']);
    equal(page.activeElement, list.children[0]);
    show(list, ['cy']);
    equal(page.activeElement, null);
  });

  it('asks for as many pages as are shown', async () => {
    const all = people(450);
    const asked: unknown[] = [];
    const participants = async ({after = '', limit = 50}: {after?: string; limit?: number} = {}): Promise<Page> => {
      asked.push([after, limit]);
      const rest = all.filter(each => each.participant > after);
      const found = rest.slice(0, limit);
      const last = found[found.length - 1]?.participant ?? '';
      return {participants: found, total: 450, next: rest.length > limit ? last : ''};
    };
    const shown = await firstOf({participants}, 300, '', () => true);
    deepEqual([shown?.participants.length, shown?.next, shown?.total], [300, 'p0299', 450]);
    deepEqual(asked, [['', 200], ['p0199', 100]]);
    const whole = await firstOf({participants}, 1000, '', () => true);
    deepEqual([whole?.participants.length, whole?.next], [450, '']);
    asked.length = 0;
    equal(await firstOf({participants}, 1000, '', () => false), null);
    equal(asked.length, 1);
  });
});
