// Which key does what, and when it is only a letter.

import {deepEqual, equal} from 'node:assert/strict';
import {describe, it} from 'node:test';

import {KEYS, actOf} from './keys';

const pressed = (key: string, more = {}) => ({key, ctrlKey: false, metaKey: false, altKey: false, ...more});

describe('keys', () => {
  it('knows every shortcut, in small and large letters', () => {
    deepEqual(
      ['m', 'V', 'h', 'c', 'P', 'f', 's', '?'].map(key => actOf(pressed(key), false)),
      ['sound', 'camera', 'hand', 'messages', 'people', 'full-screen', 'statistics', 'help'],
    );
  });

  it('leaves letters to fields, combinations to the browser, and held keys alone', () => {
    equal(actOf(pressed('m'), true), null);
    for (const more of [{ctrlKey: true}, {metaKey: true}, {altKey: true}, {repeat: true}]) equal(
      actOf(pressed('m', more), false), null,
    );
    equal(actOf(pressed('x'), false), null);
  });

  it('explains each one once', () => {
    equal(new Set(KEYS.map(each => each.key)).size, KEYS.length);
    equal(KEYS.every(each => each.words.length > 4), true);
  });
});
