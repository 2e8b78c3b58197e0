// Line drawings on a 24 by 24 grid, made into SVG by script: a strict policy allows no sprite from elsewhere.

const PATHS: Record<string, string> = {
  alert: 'M12 4 2.8 19.5h18.4zM12 10v4.5M12 17.2v.1',
  bars: 'M5 20v-5M10 20V11M15 20V7M20 20V3.5',
  camera: 'M3 7.5A1.5 1.5 0 0 1 4.5 6h9A1.5 1.5 0 0 1 15 7.5v9a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 3 16.5zM15 10.5l6-3.5v10l-6-3.5',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  dots: 'M12 5.5v.1M12 12v.1M12 18.5v.1',
  full: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  grid: 'M4 4h7v7H4zM13.5 4h6.5v7h-6.5zM4 13.5h7V20H4zM13.5 13.5h6.5V20h-6.5z',
  hand: 'M7.5 12.5V6a1.4 1.4 0 0 1 2.8 0v5M10.3 10.5V4.4a1.4 1.4 0 0 1 2.8 0v6.1M13.1 10.8V5.6a1.4 1.4 0 0 1 2.8 0v6.4M15.9 9.5a1.4 1.4 0 0 1 2.8 0V15c0 3.6-2.4 6-5.9 6-2.9 0-4.6-1.2-6-3.6l-2.5-4.5c-.9-1.7 1.3-2.9 2.4-1.5l.8 1.1',
  leave: 'M14 4.5H6.5A1.5 1.5 0 0 0 5 6v12a1.5 1.5 0 0 0 1.5 1.5H14M10 12h10M16.5 8.5 20 12l-3.5 3.5',
  message: 'M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v8.5a1.5 1.5 0 0 1-1.5 1.5H11L6.5 20v-3.5h-1A1.5 1.5 0 0 1 4 15zM8 9.5h8M8 12.5h5',
  mic: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21',
  more: 'M5.5 12v.1M12 12v.1M18.5 12v.1',
  people: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.5-4 3-5.5 6.5-5.5s6 1.5 6.5 5.5M15.5 4.9a3.5 3.5 0 0 1 0 6.2M18 15c2 .8 3.2 2.3 3.5 5',
  screen: 'M4.5 5h15A1.5 1.5 0 0 1 21 6.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 15.5v-9A1.5 1.5 0 0 1 4.5 5zM8 20.5h8M12 14V8.5M9.5 10.8 12 8.3l2.5 2.5',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20 20',
  send: 'M4 12 20 4.5 15.5 20l-4-6.5zM11.5 13.5 20 4.5',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4',
  sound: 'M4 9.5v5h3.5l5 4v-13l-5 4zM16 9a4.5 4.5 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11',
  speaker: 'M4 5h16v9.5H4zM4 18.5h4.5M10 18.5h4M15.5 18.5H20',
  stage: 'M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5.5 20c.5-4 3-5.5 6.5-5.5s6 1.5 6.5 5.5M3.5 4.5a9 9 0 0 0 0 7M20.5 4.5a9 9 0 0 1 0 7',
  keyboard: 'M3 7h18v10.5H3zM6.5 10.5v.1M10 10.5v.1M14 10.5v.1M17.5 10.5v.1M7.5 14.3h9',
};

/** Things that may be off: a line through the drawing. */
const OFF = 'M4 4l16 16';

/** The drawing of a thing; `off` strikes it through. */
export function icon(name: string, off = false): SVGSVGElement {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('class', name === 'more' || name === 'dots' ? 'icon heavy' : 'icon');
  for (const shape of [PATHS[name] ?? '', ...(off ? [OFF] : [])]) {
    const path = document.createElementNS(space, 'path');
    path.setAttribute('d', shape);
    svg.append(path);
  }
  return svg;
}

/** Fill every `<i data-icon>` below a root. */
export function drawIcons(root: ParentNode): void {
  for (const place of root.querySelectorAll<HTMLElement>('i[data-icon]')) setIcon(place, place.dataset['icon'] ?? '');
}

/** Draw a thing in its place, unless it is there already. */
export function setIcon(place: HTMLElement, name: string, off = false): void {
  const drawn = `${name}${off ? '-off' : ''}`;
  if (place.dataset['drawn'] === drawn) return;
  place.dataset['drawn'] = drawn;
  place.replaceChildren(icon(name, off));
}
