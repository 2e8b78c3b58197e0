// Which key does what.

/** What a key asks for. */
export type KeyAct = 'sound' | 'camera' | 'hand' | 'messages' | 'people' | 'full-screen' | 'statistics' | 'help';

/** Every shortcut, in the order in which the help lists them. */
export const KEYS: readonly {key: string; act: KeyAct; words: string}[] = [
  {key: 'm', act: 'sound', words: 'Mute or unmute: your microphone on stage, the sound otherwise'},
  {key: 'v', act: 'camera', words: 'Camera on or off'},
  {key: 'h', act: 'hand', words: 'Raise or lower your hand'},
  {key: 'c', act: 'messages', words: 'Messages'},
  {key: 'p', act: 'people', words: 'People'},
  {key: 'f', act: 'full-screen', words: 'Full screen'},
  {key: 's', act: 'statistics', words: 'Connection and statistics'},
  {key: '?', act: 'help', words: 'These shortcuts'},
];

/** What the page looks at in a key event. */
export interface Pressed {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat?: boolean;
}

/** The act of a key press; null when it is none, or belongs to a field or to the browser. */
export function actOf(pressed: Pressed, typing: boolean): KeyAct | null {
  if (typing || pressed.ctrlKey || pressed.metaKey || pressed.altKey || pressed.repeat) return null;
  return KEYS.find(each => each.key === pressed.key.toLowerCase())?.act ?? null;
}
