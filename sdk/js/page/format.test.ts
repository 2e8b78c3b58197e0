// Numbers, times and names as people read them.

import {deepEqual, equal, ok} from 'node:assert/strict';
import {describe, it} from 'node:test';

import {
  bitrate,
  clock,
  colourOf,
  count,
  duration,
  initials,
  listed,
  loss,
  milliseconds,
  shownName,
  unread,
  waiting,
} from './format';

describe('format', () => {
  it('writes durations and waiting times', () => {
    deepEqual([0, 7.9, 750, 3723, -3].map(duration), ['0:00', '0:07', '12:30', '1:02:03', '0:00']);
    deepEqual([0, 12, 194, 7300].map(waiting), ['now', '12 s', '3 min', '2 h']);
    equal(clock(new Date(2026, 0, 2, 9, 5)), '09:05');
  });

  it('writes rates, times and losses, and a dash for what is not known', () => {
    deepEqual([0, 949_600, 1_240_000, -1, NaN].map(bitrate), ['0 kbit/s', '950 kbit/s', '1.24 Mbit/s', '–', '–']);
    deepEqual([milliseconds(23.4), milliseconds(null), milliseconds(undefined)], ['23 ms', '–', '–']);
    deepEqual([loss(5, 995), loss(-3, 100), loss(0, 0)], ['0.5 %', '0.0 %', '–']);
    deepEqual([0, 999, 1284, 1_234_567].map(count), ['0', '999', '1,284', '1,234,567']);
    deepEqual([3, 99, 100].map(unread), ['3', '99', '99+']);
  });

  it('finds initials in any script, and never fails', () => {
    deepEqual(
      ['Ada Okafor', 'ada', 'ada_m. lovelace', '王小明', 'ليلى منصور', '🦊 Fox', '  ', '…', 'b-2'].map(initials),
      ['AO', 'A', 'AL', '王', 'لم', '🦊F', '?', '?', 'B2'],
    );
  });

  it('gives everybody one of the colours, always the same', () => {
    const colours = Array.from({length: 200}, (_, index) => colourOf(`p${index}`, 8));
    ok(colours.every(each => each >= 0 && each < 8));
    equal(new Set(colours).size, 8);
    equal(colourOf('ada', 8), colourOf('ada', 8));
  });

  it('lists names', () => {
    deepEqual(
      [[], ['Ada'], ['Ada', 'Bo'], ['Ada', 'Bo', 'Cy', 'Di']].map(names => listed(names)),
      ['', 'Ada', 'Ada and Bo', 'Ada, Bo and 2 more'],
    );
  });

  it('names people: by their name, else their id, and guests of a shared link without its letters', () => {
    deepEqual([shownName(' Ada ', 'p1'), shownName('', 'p1'), shownName(undefined, 'p1')], ['Ada', 'p1', 'p1']);
    deepEqual(
      [shownName('', 'viewer~1a2b3c4d5e'), shownName(' ', 'v~7'), shownName('Bo', 'v~7'), shownName('', 'a~')],
      ['Guest 1a2b', 'Guest 7', 'Bo', 'a~'],
    );
  });
});
