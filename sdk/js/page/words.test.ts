// Every problem has words, and something to do.

import {deepEqual, equal, ok} from 'node:assert/strict';
import {describe, it} from 'node:test';

import {REASONS, wordsOf, wordsOfError} from './words';

const PEOPLE_MUST_READ = [
  'no-link', 'bad-token', 'expired', 'closed', 'removed', 'taken-over', 'wrong-key', 'connection-lost', 'left',
  'offline', 'transport', 'gateway-full', 'stage-full', 'media-denied', 'media-missing', 'media-busy', 'media-insecure',
  'media-gone', 'unsupported', 'codec-not-carried', 'wrong-role', 'demoted', 'may-not-publish', 'may-not-speak',
  'screen-taken', 'too-many-messages', 'data-too-large', 'home-away', 'node-away', 'no-capacity', 'shared-link',
  'unknown-session', 'please-wait',
];

describe('words', () => {
  it('has a title, and a cure or a button, for everything but the end of a session', () => {
    for (const reason of REASONS) {
      const {title, cure, retry, text} = wordsOf(reason);
      ok(title.length > 5, reason);
      ok(reason === 'closed' || cure || retry, `${reason} says nothing to do`);
      ok(!/\.$/.test(title), `${reason}: a title has no full stop`);
      for (const each of [text, cure]) ok(!each || /[.!?]$/.test(each), `${reason}: “${each}” is no sentence`);
    }
  });

  it('knows what people must read', () => {
    deepEqual(PEOPLE_MUST_READ.filter(reason => !REASONS.includes(reason)), []);
  });

  it('offers no second try where it cannot help', () => {
    deepEqual(
      ['bad-token', 'expired', 'removed', 'unsupported', 'closed'].map(reason => wordsOf(reason).retry),
      ['', '', '', '', ''],
    );
  });

  it('blames no neighbours for messages sent too fast, no right for a demotion', () => {
    equal(wordsOfError({reason: 'too-many-messages', status: 429}).title, 'That was too fast');
    equal(wordsOfError({reason: 'demoted', status: 403}).cure, 'Raise your hand to be called again.');
    deepEqual(wordsOf('wrong-key'), wordsOf('taken-over'));
  });

  it('prefers the reason to the status, and the status to nothing', () => {
    equal(wordsOfError({reason: 'gateway-full', status: 503}).title, 'The service is full');
    equal(wordsOfError({reason: 'brand-new', status: 401}).title, 'This link is not valid any more');
    const unknown = wordsOfError({reason: 'brand-new', detail: 'the moon is in the way', cure: 'wait for dawn'});
    deepEqual(
      [unknown.title, unknown.text, unknown.cure],
      ['Something went wrong', 'The moon is in the way.', 'Wait for dawn.'],
    );
  });

  it('adds the detail of the service where it has no words of its own', () => {
    equal(wordsOfError({reason: 'unknown-participant', detail: 'bob was not admitted'}).text, 'Bob was not admitted.');
  });

  it('knows errors of the browser', () => {
    equal(wordsOfError({name: 'NotAllowedError'}).title, 'Camera and microphone are blocked');
    equal(wordsOfError({name: 'NotReadableError'}).title, 'The camera or microphone is in use');
  });

  it('blames the network only when it is down', () => {
    equal(wordsOfError({reason: 'transport'}, false).title, 'You are offline');
    equal(wordsOfError({reason: 'bad-token'}, false).title, 'This link is not valid any more');
  });

  it('makes words of anything', () => {
    for (const thing of [null, undefined, 'text', 7, new Error('odd')]) equal(
      wordsOfError(thing).title, 'Something went wrong',
    );
  });
});
