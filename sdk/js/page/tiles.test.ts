// Who gets a tile, and in which order.

import {deepEqual, equal} from 'node:assert/strict';
import {describe, it} from 'node:test';

import {MOST_TILES, type StageFacts, stageNews, tilesOf} from './tiles';

const FACTS: StageFacts = {
  seats: [
    {slot: 'v2', participant: 'bob', name: 'Bob'},
    {slot: 's1', participant: 'ada', name: 'Ada', source: 'screen'},
    {slot: 'v1', participant: 'ada', name: 'Ada', source: 'camera'},
  ],
  main: 'v1',
  speakers: [
    {participant: 'ada', name: 'Ada', live: true},
    {participant: 'bob', name: 'Bob', live: true, muted: true},
    {participant: 'cleo', name: 'Cleo', live: true},
    {participant: 'dan', name: 'Dan', live: false},
  ],
  talking: new Set(['ada']),
  me: {participant: 'me', name: 'Me', live: false, muted: false, camera: false, hand: false},
};
const keys = (facts: StageFacts): string[] => tilesOf(facts).tiles.map(each => each.key);

describe('tiles', () => {
  it('shows the screen first, then the main speaker, other pictures, and who is only heard', () => {
    deepEqual(keys(FACTS), ['s1', 'v1', 'v2', 'p:cleo']);
  });

  it('outlines who talks, on his face and not on his screen', () => {
    deepEqual(tilesOf(FACTS).tiles.map(each => each.talking), [false, true, false, false]);
    deepEqual(tilesOf(FACTS).tiles.map(each => each.muted), [false, false, true, false]);
  });

  it('shows oneself once: in a slot, or beside it while there is none', () => {
    const me = {...FACTS.me, live: true, camera: true, muted: true};
    const beside = tilesOf(
      {...FACTS, me, speakers: [...FACTS.speakers, {participant: 'me', name: 'Me', live: true}]},
    ).tiles;
    deepEqual(
      beside.filter(each => each.mine).map(each => [each.key, each.kind, each.muted]), [['me', 'camera', true]],
    );
    const seated = tilesOf({...FACTS, me, seats: [...FACTS.seats, {slot: 'v3', participant: 'me'}]}).tiles;
    deepEqual(seated.filter(each => each.mine).map(each => each.key), ['v3']);
  });

  it('shows an avatar of oneself without a camera', () => {
    const [mine] = tilesOf({...FACTS, seats: [], speakers: [], me: {...FACTS.me, live: true}}).tiles;
    equal(mine?.kind, 'avatar');
  });

  it('follows another main slot', () => {
    deepEqual(keys({...FACTS, main: 'v2'}).slice(0, 3), ['s1', 'v2', 'v1']);
  });

  it('names who has no name by his id, and guests of a shared link as guests', () => {
    const seats = [{slot: 'v1', participant: 'encoder-7', name: ''}];
    const speakers = [{participant: 'encoder-7', live: true}, {participant: 'viewer~1a2b3c4d5e', live: true}];
    deepEqual(tilesOf({...FACTS, seats, speakers}).tiles.map(each => each.name), ['encoder-7', 'Guest 1a2b']);
  });

  it('counts those who do not fit', () => {
    const speakers = Array.from({length: 40}, (_, index) => ({participant: `p${index}`, live: true}));
    const {tiles, more} = tilesOf({...FACTS, seats: [], speakers});
    deepEqual([tiles.length, more], [MOST_TILES, 40 - MOST_TILES]);
  });

  it('says who came and went', () => {
    const [before, after] = [new Map([['a', 'Ada'], ['b', 'Bob']]), new Map([['b', 'Bob'], ['c', 'Cleo']])];
    equal(stageNews(before, after), 'Cleo on stage. Ada left the stage.');
    equal(stageNews(after, after), '');
  });
});
