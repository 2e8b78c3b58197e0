// Long lists, kept true without drawing all of them anew: a line that says the same stays, with its focus and clicks.

import type {Page, Session} from '../src/index';

/** One line; `key` holds everything that it shows. */
export interface Line {
  key: string;
  make: () => HTMLElement;
}

const MOST = 200; // participants in one answer

/** Let a list hold these lines. */
export function keepLines(list: HTMLElement, wanted: readonly Line[]): void {
  const before = new Map([...list.children].map(each => [(each as HTMLElement).dataset['line'], each as HTMLElement]));
  const focused = document.activeElement as HTMLElement | null;
  const person = focused && list.contains(focused) ? focused.dataset['person'] : undefined;
  const now = wanted.map(({key, make}) => {
    const line = before.get(key) ?? make();
    line.dataset['line'] = key;
    return line;
  });
  const stay = new Set<Element>(now);
  for (const each of [...list.children]) if (!stay.has(each)) each.remove();
  now.forEach((line, index) => {
    const there = list.children[index] ?? null;
    if (there !== line) list.insertBefore(line, there);
  });
  if (!person || list.contains(document.activeElement)) return;
  list.querySelector<HTMLElement>(`[data-person="${CSS.escape(person)}"]`)?.focus();
}

/** The first so many participants, over as many answers as it takes; null once nobody wants them any more. */
export async function firstOf(
  session: Pick<Session, 'participants'>, wanted: number, search: string, still: () => boolean,
): Promise<Page | null> {
  const participants: Page['participants'] = [];
  for (let after = ''; ; ) {
    const limit = Math.min(MOST, wanted - participants.length);
    const page = await session.participants({after, limit, search});
    if (!still()) return null;
    participants.push(...page.participants);
    if (!page.next || participants.length >= wanted) return {...page, participants};
    after = page.next;
  }
}
