// The side panel: one of three tabs, or nothing.

import {byId, show} from './dom';

/** Its tabs. */
export type Tab = 'people' | 'messages' | 'stats';
const TABS: readonly Tab[] = ['people', 'messages', 'stats'];
const BUTTONS: Record<Tab, string> = {people: 'people-button', messages: 'messages-button', stats: 'quality'};

/** Opens and closes the panel. `changed` is told the tab that is open. */
export class Panel {
  open: Tab | null = null;

  constructor(private readonly changed: (tab: Tab | null) => void) {
    for (const tab of TABS) {
      const button = byId(`tab-${tab}`);
      button.addEventListener('click', () => this.show(tab));
      button.addEventListener('keydown', event => this.arrow(event, tab));
    }
    byId('panel-close').addEventListener('click', () => this.close());
    byId('panel').addEventListener('keydown', event => {
      if (event.key === 'Escape') this.close();
    });
  }

  /** Open a tab, or close it when it is the open one. */
  toggle(tab: Tab): void {
    if (this.open === tab) return this.close();
    this.show(tab);
    if (tab === 'messages') byId('message-text').focus();
    else byId(`tab-${tab}`).focus();
  }

  /** Close it; focus goes to the button of its tab. */
  close(): void {
    const was = this.open;
    this.set(null);
    if (was) byId(BUTTONS[was]).focus();
  }

  private show(tab: Tab): void {
    this.set(tab);
  }

  private set(tab: Tab | null): void {
    this.open = tab;
    show(byId('panel'), tab !== null);
    byId('room').dataset['panel'] = tab ?? '';
    for (const each of TABS) {
      show(byId(each), each === tab);
      byId(`tab-${each}`).setAttribute('aria-selected', String(each === tab));
      byId(`tab-${each}`).tabIndex = each === tab ? 0 : -1;
      byId(BUTTONS[each]).setAttribute('aria-expanded', String(each === tab));
    }
    this.changed(tab);
  }

  private arrow(event: KeyboardEvent, tab: Tab): void {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length] as Tab;
    this.show(next);
    byId(`tab-${next}`).focus();
  }
}
