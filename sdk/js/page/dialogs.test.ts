// Who asks gets an answer, and his buttons work: also where somebody else asks at the same time.

import {deepEqual, equal} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it} from 'node:test';

import {ask} from './dialogs';

/** A dialog as browsers have it: that it was closed is told a moment later. */
class FakeDialog {
  open = false;
  onclose: (() => void) | null = null;

  showModal(): void {
    this.open = true;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    setImmediate(() => this.onclose?.());
  }
}

const moment = (): Promise<void> => new Promise<void>(resolve => setImmediate(resolve));
const asDialog = (dialog: FakeDialog): HTMLDialogElement => dialog as unknown as HTMLDialogElement;
const button = (): HTMLElement => ({onclick: null}) as unknown as HTMLElement;
const press = (element: HTMLElement): void => (element.onclick as unknown as () => void)();
const focused: string[] = [];

describe('dialogs', () => {
  beforeEach(() => {
    const find = (id: string): unknown => ({focus: () => focused.push(id)});
    const page = {activeElement: null as unknown, getElementById: find, querySelector: find};
    Object.assign(globalThis, {document: page, CSS: {escape: (text: string) => text}});
    focused.length = 0;
  });
  afterEach(() => void Reflect.deleteProperty(globalThis, 'document'));

  it('answer yes, no, and no to Escape', async () => {
    const [dialog, yes, no] = [new FakeDialog(), button(), button()];
    const given: boolean[] = [];
    for (const answer of [() => press(yes), () => press(no), () => dialog.close()]) {
      const asked = ask(asDialog(dialog), yes, no);
      answer();
      given.push(await asked);
      await moment();
    }
    deepEqual([given, dialog.open], [[true, false, false], false]);
  });

  it('a second question makes the first one a no, and waits for its own answer', async () => {
    const [dialog, yes, no] = [new FakeDialog(), button(), button()];
    const first = ask(asDialog(dialog), yes, no);
    const second = ask(asDialog(dialog), yes, no);
    equal(await first, false);
    await moment();
    equal(dialog.open, true);
    press(yes);
    equal(await second, true);
  });

  it('give the focus to the new row of the person, or to the stage, where the opener is gone', async () => {
    for (const dataset of [{person: 'ada'}, {}]) {
      Object.assign(document, {activeElement: {isConnected: false, dataset}});
      const [dialog, yes] = [new FakeDialog(), button()];
      const asked = ask(asDialog(dialog), yes, button());
      press(yes);
      await asked;
    }
    deepEqual(focused, ['[data-person="ada"]', 'main']);
  });
});
