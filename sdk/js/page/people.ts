// The people panel: raised hands, who is on stage, everybody by pages.

import type {Person, RaisedHand, Session} from '../src/index';
import type {Actions} from './actions';
import {byId, h, setText, show} from './dom';
import {colourOf, count, initials, shownName, waiting} from './format';
import {icon} from './icons';
import {firstOf, keepLines} from './lines';
import {type Item, openMenu} from './menu';
import {complain} from './notices';
import {wordsOfError} from './words';

const PAGE = 50;
const SEARCH_MS = 250;
const REFRESH_MS = 1500;

/** Shows who is here. It asks for pages only while it is open. */
export class People {
  private shown = false;
  private people: Person[] = [];
  private next = '';
  private total = 0;
  private search = '';
  private asked = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly session: Session, private readonly actions: Actions) {
    byId('people-search').addEventListener('input', () => this.refresh(SEARCH_MS));
    byId('people-more').addEventListener('click', () => void this.load(true));
  }

  /** Opened or closed. */
  open(on: boolean): void {
    this.shown = on;
    if (!on) return;
    this.render();
    this.refresh(0);
  }

  /** Somebody came, went or changed. */
  changed(): void {
    const {roster, hands} = this.session;
    setText(byId('count-number'), count(roster.total));
    show(byId('count'), roster.total > 0);
    const waitingHands = this.session.can('moderate') ? hands.queue.length : 0;
    show(byId('hands-badge'), waitingHands > 0);
    setText(byId('hands-badge'), String(waitingHands));
    byId('people-button').setAttribute('aria-label', waitingHands ? `People, ${waitingHands} raised hands` : 'People');
    if (!this.shown) return;
    this.render();
    this.refresh(REFRESH_MS);
  }

  /** Draw the parts that follow from the session alone. */
  private render(): void {
    const {roster, hands} = this.session;
    const moderates = this.session.can('moderate');
    show(byId('hands'), moderates && hands.queue.length > 0);
    setText(byId('hands-title'), `Raised hands (${hands.queue.length})`);
    const raised = byId('hands-list');
    keepLines(
      raised, hands.queue.map(each => ({key: `${each.participant} ${each.name}`, make: () => this.handRow(each)})),
    );
    hands.queue.forEach(({sinceS}, index) => {
      setText(raised.children[index]?.querySelector('.quiet') as HTMLElement, waiting(sinceS));
    });
    show(byId('hand-place'), hands.place > 0);
    setText(
      byId('hand-place'),
      `Your hand is up. You are ${hands.place === 1 ? 'next' : `number ${hands.place} in the queue`}.`,
    );
    const speakers = roster.speakers.filter(each => each.live);
    setText(byId('speakers-title'), `On stage (${speakers.length})`);
    this.rows(byId('speakers'), speakers, 'Nobody');
    setText(byId('everybody-title'), `Everybody (${count(roster.total)})`);
  }

  private refresh(afterMs: number): void {
    if (this.timer !== null) {
      if (afterMs >= REFRESH_MS) return;
      clearTimeout(this.timer);
    }
    this.timer = setTimeout(() => {
      this.timer = null;
      if (this.shown) void this.load();
    }, afterMs);
  }

  /** Fetch so many again from the first one, or one page more. */
  private async load(more = false): Promise<void> {
    const asked = ++this.asked;
    const still = (): boolean => asked === this.asked;
    const search = byId<HTMLInputElement>('people-search').value.trim();
    if (search !== this.search) [this.people, this.search] = [[], search];
    try {
      const after = more ? {after: this.next, limit: PAGE, search} : null;
      const page = after
        ? await this.session.participants(after)
        : await firstOf(this.session, Math.max(PAGE, this.people.length), search, still);
      if (!page || !still()) return;
      this.people = after ? [...this.people, ...page.participants] : page.participants;
      [this.next, this.total] = [page.next, page.total];
      this.list(search);
    } catch (error) {
      if (more) complain(wordsOfError(error, navigator.onLine)); // else the next change asks again
    }
  }

  private list(search: string): void {
    this.rows(byId('everybody'), this.people, search ? `Nobody here is called “${search}”.` : 'Nobody');
    show(byId('people-more'), Boolean(this.next));
    setText(byId('people-more'), `Show more (${count(Math.max(0, this.total - this.people.length))})`);
  }

  private rows(list: HTMLElement, people: readonly Person[], none: string): void {
    const moderates = this.session.can('moderate');
    const lines = people.map(each => ({key: JSON.stringify([each, moderates]), make: () => this.row(each)}));
    keepLines(list, people.length ? lines : [{key: none, make: () => h('li', {class: 'quiet'}, none)}]);
    people.forEach(({participant}, index) => {
      const line = list.children[index] as HTMLElement;
      line.dataset['talking'] = String(this.session.talking.has(participant));
    });
  }

  private row(person: Person): HTMLElement {
    const mine = person.participant === this.session.participant;
    const name = shownName(person.name, person.participant);
    const role = {moderator: 'Moderator', speaker: 'Speaker', viewer: ''}[person.role] ?? '';
    const signs = [
      person.hand ? sign('hand', 'hand raised') : null,
      person.live ? sign('mic', person.muted ? 'muted' : 'microphone on', person.muted) : null,
    ];
    return h(
      'li',
      {class: 'person'},
      avatar(name, person.participant),
      h(
        'span',
        {class: 'who'},
        h('span', {class: 'who-name'}, h('bdi', {}, name), mine ? ' (you)' : ''),
        role ? h('span', {class: 'quiet'}, role) : null,
      ),
      ...signs,
      this.session.can('moderate') && !mine ? this.menuButton(person, name) : null,
    );
  }

  private handRow(hand: RaisedHand): HTMLElement {
    const name = shownName(hand.name, hand.participant);
    const promote = h(
      'button',
      {class: 'primary small', 'aria-label': `Bring ${name} on stage`, 'data-person': hand.participant},
      'On stage',
    );
    const lower = h(
      'button', {class: 'plain small', 'aria-label': `Lower ${name}’s hand`, title: 'Lower hand'}, icon('close'),
    );
    promote.addEventListener('click', () => void this.actions.promote(hand.participant, name));
    lower.addEventListener('click', () => void this.actions.lower(hand.participant));
    return h(
      'li',
      {class: 'person'},
      avatar(name, hand.participant),
      h(
        'span',
        {class: 'who'},
        h('span', {class: 'who-name'}, h('bdi', {}, name)),
        h('span', {class: 'quiet'}),
      ),
      promote,
      lower,
    );
  }

  private menuButton(person: Person, name: string): HTMLElement {
    const button = h(
      'button',
      {
        class: 'plain small',
        'aria-haspopup': 'menu',
        'aria-expanded': 'false',
        'aria-label': `What to do with ${name}`,
        'data-person': person.participant,
      },
      icon('dots'),
    );
    button.addEventListener('click', () => openMenu(button, this.itemsFor(person, name)));
    return button;
  }

  private itemsFor(person: Person, name: string): Item[] {
    const {actions} = this;
    const id = person.participant;
    const items: Item[] = [];
    if (person.role === 'viewer' || (person.hand && !person.live)) items.push(
      {label: 'Bring on stage', icon: 'stage', act: () => void actions.promote(id, name)},
    );
    if (person.role !== 'viewer') items.push(
      {label: 'Move to the audience', icon: 'people', act: () => void actions.demote(id, name)},
    );
    if (person.live && !person.muted) items.push(
      {label: 'Mute', icon: 'mic', act: () => void actions.muteOther(id, name)},
    );
    if (person.hand) items.push({label: 'Lower hand', icon: 'hand', act: () => void actions.lower(id)});
    items.push({label: 'Remove…', icon: 'leave', danger: true, act: () => void actions.remove(id, name)});
    return items;
  }
}

function avatar(name: string, participant: string): HTMLElement {
  return h('span', {class: `avatar c${colourOf(participant, 8)}`, 'aria-hidden': 'true'}, initials(name));
}

function sign(drawing: string, words: string, off = false): HTMLElement {
  return h(
    'span', {class: off ? 'sign off' : 'sign', role: 'img', 'aria-label': words, title: words}, icon(drawing, off),
  );
}
