// Messages: plain text to everybody, in the order of their numbers.

import type {Message, Session} from '../src/index';
import type {Actions} from './actions';
import {byId, h, setText, show} from './dom';
import {clock, colourOf, initials, shownName, unread} from './format';

const TOPIC = 'chat';
const MOST = 500;
const ECHO_MS = 2000;

/** The list and the field. */
export class Messages {
  private shown = false;
  private waiting = 0;
  private readonly seen = new Set<number>();
  private readonly list = byId('message-list');
  private last = '';

  constructor(private readonly session: Session, private readonly actions: Actions) {
    this.list.replaceChildren();
    const field = byId<HTMLTextAreaElement>('message-text');
    byId('message-form').addEventListener('submit', event => {
      event.preventDefault();
      void this.send(field);
    });
    field.addEventListener('keydown', event => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.send(field);
    });
    field.addEventListener('input', () => grow(field));
  }

  /** Opened or closed. */
  open(on: boolean): void {
    this.shown = on;
    if (!on) return;
    this.waiting = 0;
    this.badge();
    this.list.scrollTop = this.list.scrollHeight;
  }

  /** A message of the session; only texts of our topic are shown. */
  take(message: Message): void {
    if (message.topic !== TOPIC || this.seen.has(message.n)) return;
    this.seen.add(message.n);
    const low = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 60;
    this.list.append(this.lineOf(message));
    while (this.list.children.length > MOST) this.list.firstElementChild?.remove();
    show(byId('messages-none'), false);
    const mine = message.sender === this.session.participant;
    if (low || mine) this.list.scrollTop = this.list.scrollHeight;
    if (!this.shown && !mine) this.waiting++;
    this.badge();
  }

  private lineOf(message: Message): HTMLElement {
    const mine = message.sender === this.session.participant;
    const name = mine ? 'You' : shownName(message.name, message.sender);
    const follows = this.last === message.sender && this.list.children.length > 0;
    this.last = message.sender;
    return h(
      'li',
      {class: `message${mine ? ' mine' : ''}${follows ? ' follows' : ''}`},
      mine ? null : h('span', {class: `avatar c${colourOf(message.sender, 8)}`, 'aria-hidden': 'true'}, initials(name)),
      h(
        'div',
        {},
        h('p', {class: 'from'}, h('b', {}, h('bdi', {}, name)), ' ', h('time', {}, clock(new Date()))),
        h('p', {class: 'text', dir: 'auto'}, message.data),
      ),
    );
  }

  private async send(field: HTMLTextAreaElement): Promise<void> {
    const text = field.value.trim();
    if (!text) return;
    field.value = '';
    grow(field);
    const n = await this.actions.send(text, TOPIC);
    if (n === null) {
      if (!field.value) field.value = text; // not sent: nothing that was written is lost
      return;
    }
    const {participant, name} = this.session;
    setTimeout(() => this.take({n, sender: participant, name, to: '', topic: TOPIC, data: text}), ECHO_MS);
  }

  private badge(): void {
    show(byId('unread'), this.waiting > 0);
    setText(byId('unread'), unread(this.waiting));
    byId('messages-button').setAttribute('aria-label', this.waiting ? `Messages, ${this.waiting} unread` : 'Messages');
  }
}

function grow(field: HTMLTextAreaElement): void {
  field.style.height = 'auto';
  field.style.height = `${Math.min(field.scrollHeight + 2, 140)}px`;
}
