// The fake does what the real one does: the same suite.

import {describe, it} from 'node:test';

import {FakeElement, FakeMedia, asElement, asFake, fakeAnswer} from './media.fake';
import {SUITE} from './media.suite';
import type {Bench} from './media.suite';

const bench = (): Bench => ({
  media: new FakeMedia(),
  far: () => ({answer: async offer => fakeAnswer(offer), close: () => undefined}),
  element: () => asElement(new FakeElement()),
  shown: element => (element as unknown as FakeElement).shown,
  resize: (element, width, height) => (element as unknown as FakeElement).resize(width, height),
  end: track => asFake(track).end(),
  ratio: 1,
});

describe('FakeMedia', () => {
  for (const [name, run] of Object.entries(SUITE)) it(name, () => run(bench()));
});
