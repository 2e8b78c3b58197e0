// The stage's arithmetic: everything fits, nothing overlaps, faces keep their shape.

import {deepEqual, equal, ok} from 'node:assert/strict';
import {describe, it} from 'node:test';

import {type Rect, type Space, gridOf, gridRects, speakerRects} from './layout';

const DESKTOP: Space = {width: 1240, height: 640, gap: 10};
const PHONE: Space = {width: 376, height: 700, gap: 6};
const SMALL: Space = {width: 346, height: 560, gap: 6};
const LANDSCAPE: Space = {width: 830, height: 280, gap: 6};
const SPACES = [DESKTOP, PHONE, SMALL, LANDSCAPE];

function overlap(a: Rect, b: Rect): boolean {
  const apart = 0.01;
  const across = a.left + a.width > b.left + apart && b.left + b.width > a.left + apart;
  return across && a.top + a.height > b.top + apart && b.top + b.height > a.top + apart;
}

/** All within the space, none over another, none empty. */
function sound(rects: readonly Rect[], {width, height}: Space): void {
  rects.forEach((each, index) => {
    ok(each.left >= -0.01 && each.top >= -0.01, `${index} begins outside: ${JSON.stringify(each)}`);
    ok(
      each.left + each.width <= width + 0.01 && each.top + each.height <= height + 0.01,
      `${index} ends outside: ${JSON.stringify(each)}`,
    );
    ok(each.width > 30 && each.height > 20, `${index} is too small: ${JSON.stringify(each)}`);
    rects.slice(index + 1).forEach(
      other => ok(!overlap(each, other), `${JSON.stringify(each)} is over ${JSON.stringify(other)}`),
    );
  });
}

describe('layout', () => {
  it('places every number of tiles within every stage, in both views', () => {
    for (const space of SPACES) {
      for (let count = 0; count <= 16; count++) {
        for (const rects of [gridRects(count, space), speakerRects(count, space), speakerRects(count, space, true)]) {
          equal(rects.length, count);
          sound(rects, space);
        }
      }
    }
  });

  it('takes the columns that make tiles largest', () => {
    deepEqual([1, 2, 4, 8].map(count => gridOf(count, DESKTOP).columns), [1, 2, 2, 3]);
    deepEqual([1, 2, 4, 8].map(count => gridOf(count, PHONE).columns), [1, 1, 1, 2]);
  });

  it('keeps faces between 5:4 and 16:9', () => {
    for (const space of SPACES) {
      for (const each of [...gridRects(7, space), ...speakerRects(7, space)]) {
        const shape = each.width / each.height;
        ok(shape > 1.249 && shape < 1.778, `shape ${shape}`);
      }
    }
  });

  it('centres a last row that is not full', () => {
    const [, , last] = gridRects(3, {width: 800, height: 450, gap: 0});
    equal(Math.round((last?.left ?? 0) + (last?.width ?? 0) / 2), 400);
  });

  it('makes the speaker larger than each of the others', () => {
    for (const space of SPACES) {
      for (let count = 2; count <= 12; count++) {
        const [main, ...others] = speakerRects(count, space).map(each => each.width * each.height);
        ok(others.every(each => each <= (main ?? 0) + 1), `${count} in ${JSON.stringify(space)}`);
      }
    }
  });

  it('gives a screen the whole stage when it is alone, and most of it with faces', () => {
    deepEqual(speakerRects(1, DESKTOP, true), [{left: 0, top: 0, width: 1240, height: 640}]);
    const [screen] = speakerRects(5, DESKTOP, true);
    ok((screen?.width ?? 0) > 0.7 * DESKTOP.width);
    const [onPhone] = speakerRects(5, PHONE, true);
    equal(onPhone?.width, PHONE.width);
  });

  it('survives a stage without room', () => {
    for (const rect of [
      ...gridRects(3, {width: 0, height: 0, gap: 8}), ...speakerRects(3, {width: 0, height: 0, gap: 8}),
    ]) {
      ok(rect.width >= 0 && rect.height >= 0);
    }
  });
});
