// Links, as people paste them.

import {deepEqual, equal} from 'node:assert/strict';
import {describe, it} from 'node:test';

import {claimsOf, comesToSpeak, expired, readLink, writeLink} from './link';

function token(claims: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const body = btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  return `e30.${body}.c2ln`;
}

const VIEWER = token({sid: 'demo', sub: 'bob', role: 'viewer', rights: ['view']});
const SPEAKER = token({sid: 'demo', sub: 'ada', role: 'speaker', name: 'Ada'});

describe('page link', () => {
  it('reads session and token, and what a viewer wants', () => {
    deepEqual(
      readLink(`#session=demo&token=${VIEWER}`),
      {session: 'demo', token: VIEWER, name: '', view: 'watch', slots: 5, now: false},
    );
  });

  it('takes the session from the token where the link has none', () => {
    equal(readLink(`#token=${VIEWER}`)?.session, 'demo');
  });

  it('checks devices first for those who come to speak', () => {
    equal(readLink(`#token=${SPEAKER}`)?.view, 'speak');
    equal(readLink(`#token=${SPEAKER}&view=watch`)?.view, 'watch');
    equal(readLink(`#token=${VIEWER}&view=speak`)?.view, 'speak');
    equal(readLink(`#token=${VIEWER}&view=other`)?.view, 'watch');
    deepEqual(
      [{role: 'moderator'}, {rights: ['publish']}, {rights: ['speak']}, null].map(comesToSpeak),
      [true, true, false, false],
    );
  });

  it('holds the number of videos within reason', () => {
    const slots = (text: string): number | undefined => readLink(`#token=${VIEWER}&slots=${text}`)?.slots;
    deepEqual(['3', '0', '-2', '99', 'many', '2.9'].map(slots), [3, 5, 1, 16, 5, 2]);
  });

  it('is null without a session or a token', () => {
    deepEqual(['', '#', '#session=demo', `#token=abc`, '#main'].map(readLink), [null, null, null, null, null]);
  });

  it('reads what it wrote, names of any script included', () => {
    const name = 'ليلى & 王 #1';
    const link = readLink(`#${writeLink('demo', SPEAKER, name)}`);
    deepEqual([link?.session, link?.token, link?.name], ['demo', SPEAKER, name]);
  });

  it('knows claims of any script, and no token when there is none', () => {
    equal(claimsOf(token({name: 'Željka'}))?.name, 'Željka');
    deepEqual(['', 'a.b', 'a.%%%.c', `e30.${btoa('7')}.c`].map(claimsOf), [null, null, null, null]);
  });

  it('knows when a token has run out', () => {
    deepEqual(
      [expired({exp: 99}, 100), expired({exp: 101}, 100), expired({}, 100), expired(null, 100)],
      [true, false, false, false],
    );
  });
});
