// Which tiles the stage shows, and in which order: pure, from what the session says.

import {shownName} from './format';

/** A slot and whom it shows. */
export interface Seated {
  slot: string;
  participant: string;
  name?: string;
  source?: string;
}

/** Somebody who may be heard. */
export interface Speaking {
  participant: string;
  name?: string;
  hand?: boolean;
  muted?: boolean;
  live?: boolean;
}

/** What the tiles follow from. */
export interface StageFacts {
  seats: readonly Seated[];
  main: string;
  speakers: readonly Speaking[];
  talking: ReadonlySet<string>;
  /** Oneself: `camera` true when there is a picture of one's own to show. */
  me: {participant: string; name: string; live: boolean; muted: boolean; camera: boolean; hand: boolean};
}

/** One tile. */
export interface Tile {
  key: string;
  /** Empty: an avatar, or one's own picture without a slot. */
  slot: string;
  participant: string;
  name: string;
  kind: 'camera' | 'screen' | 'avatar';
  mine: boolean;
  main: boolean;
  talking: boolean;
  muted: boolean;
  hand: boolean;
}

/** More faces than this do not fit a stage: those without a picture are counted instead. */
export const MOST_TILES = 16;

/** The tiles: first the screen, then the main speaker, other pictures, avatars; and how many more there are. */
export function tilesOf(facts: StageFacts): {tiles: Tile[]; more: number} {
  const {seats, me} = facts;
  const speakers = new Map(facts.speakers.map(each => [each.participant, each]));
  const seated = new Set(seats.filter(seat => seat.source !== 'screen').map(seat => seat.participant));
  const pictures = [...seats].sort((a, b) => rank(a, facts.main) - rank(b, facts.main));
  const tiles = pictures.map(seat => tileOf(seat, speakers.get(seat.participant), facts));
  if (me.live && !seated.has(me.participant)) {
    tiles.push({...avatarOf({...me}, facts), key: 'me', kind: me.camera ? 'camera' : 'avatar'});
  }
  for (const each of facts.speakers) {
    const shown = seated.has(each.participant) || each.participant === me.participant;
    if (each.live && !shown) tiles.push(avatarOf(each, facts));
  }
  return {tiles: tiles.slice(0, MOST_TILES), more: Math.max(0, tiles.length - MOST_TILES)};
}

function rank(seat: Seated, main: string): number {
  if (seat.source === 'screen') return -2;
  if (seat.slot === main) return -1;
  return Number(seat.slot.replace(/\D/g, '')) || 99;
}

function tileOf(seat: Seated, person: Speaking | undefined, {main, talking, me}: StageFacts): Tile {
  const mine = seat.participant === me.participant;
  const screen = seat.source === 'screen';
  return {
    key: seat.slot,
    slot: seat.slot,
    participant: seat.participant,
    name: shownName(person?.name || seat.name, seat.participant),
    kind: screen ? 'screen' : 'camera',
    mine,
    main: seat.slot === main,
    talking: !screen && talking.has(seat.participant),
    muted: !screen && (mine ? me.muted : person?.muted ?? false),
    hand: !screen && (mine ? me.hand : person?.hand ?? false),
  };
}

function avatarOf(person: Speaking, {talking, me}: StageFacts): Tile {
  const mine = person.participant === me.participant;
  return {
    key: `p:${person.participant}`,
    slot: '',
    participant: person.participant,
    name: shownName(person.name, person.participant),
    kind: 'avatar',
    mine,
    main: false,
    talking: talking.has(person.participant),
    muted: mine ? me.muted : person.muted ?? false,
    hand: person.hand ?? false,
  };
}

/** What changed on stage, as a sentence for a screen reader; empty when nobody came or went. */
export function stageNews(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string {
  const came = [...after].filter(([who]) => !before.has(who)).map(([, name]) => name);
  const went = [...before].filter(([who]) => !after.has(who)).map(([, name]) => name);
  const parts = [
    came.length ? `${came.join(', ')} on stage.` : '', went.length ? `${went.join(', ')} left the stage.` : '',
  ];
  return parts.filter(Boolean).join(' ');
}
