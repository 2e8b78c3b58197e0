// Numbers, times and names as people read them.

/** `0:07`, `12:30`, `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** How long a hand has been up: `now`, `40 s`, `3 min`, `2 h`. */
export function waiting(seconds: number): string {
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

/** `14:05` in the reader's own time. */
export function clock(at: Date): string {
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
}

/** `950 kbit/s`, `1.24 Mbit/s`. */
export function bitrate(bitsPerSecond: number): string {
  if (!Number.isFinite(bitsPerSecond) || bitsPerSecond < 0) return '–';
  const kbps = bitsPerSecond / 1000;
  return kbps < 1000 ? `${Math.round(kbps)} kbit/s` : `${(kbps / 1000).toFixed(2)} Mbit/s`;
}

/** `23 ms`; a dash when it is not known. */
export function milliseconds(ms: number | null | undefined): string {
  return ms === null || ms === undefined || !Number.isFinite(ms) ? '–' : `${Math.round(ms)} ms`;
}

/** Share of packets lost, `0.4 %`. */
export function loss(lost: number, received: number): string {
  const all = Math.max(0, lost) + received;
  return all > 0 ? `${((100 * Math.max(0, lost)) / all).toFixed(1)} %` : '–';
}

/** `1,204`; a hundred and more unread are `99+` elsewhere. */
export function count(n: number): string {
  return String(Math.max(0, Math.floor(n))).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** What a badge shows for so many unread. */
export function unread(n: number): string {
  return n > 99 ? '99+' : String(n);
}

/** One or two letters for an avatar, of any script. */
export function initials(name: string): string {
  const words = name.trim().split(/[\s._-]+/u).filter(word => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(word));
  const first = (word: string | undefined): string => firstLetter(word ?? '');
  const letters = words.length > 1 ? first(words[0]) + first(words[words.length - 1]) : first(words[0]);
  return letters.toLocaleUpperCase() || '?';
}

function firstLetter(word: string): string {
  const found = word.match(/[\p{L}\p{N}]|\p{Extended_Pictographic}/u);
  return found ? found[0] : '';
}

/** One of `colours` avatar colours, always the same one for a participant. */
export function colourOf(participant: string, colours: number): number {
  let sum = 0;
  for (const letter of participant) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % colours;
}

/** The name to show: his own, else his id; who came by a shared link (`viewer~1a2b3c`) is `Guest 1a2b`. */
export function shownName(name: string | undefined, participant: string): string {
  const guest = /~(\w{1,4})\w*$/.exec(participant)?.[1];
  return name?.trim() || (guest ? `Guest ${guest}` : participant);
}

/** `Ada`, `Ada and Bo`, `Ada, Bo and 3 more`. */
export function listed(names: readonly string[], most = 2): string {
  if (names.length <= 1) return names[0] ?? '';
  if (names.length === 2 && most >= 2) return `${names[0]} and ${names[1]}`;
  const shown = names.slice(0, most);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  return `${shown.slice(0, -1).join(', ')} and ${shown[shown.length - 1]}`;
}
