// Where every tile of the stage goes: pure arithmetic, in CSS pixels.

/** A place on the stage. */
export interface Rect {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** How tiles of one size fill a space. */
export interface Grid {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/** What a layout needs to know of the stage. */
export interface Space {
  width: number;
  height: number;
  gap: number;
}

/** A face may be cropped to this shape to use a narrow stage better. */
const NARROWEST = 1.25;
const WIDEST = 16 / 9;
const STRIP_SHARE = 0.2;
const [STRIP_LEAST, STRIP_MOST] = [132, 300];
const MAIN_SHARE = 0.62; // of a tall stage, for a screen
const FEW_SHARE = 0.5; // of a tall stage, for a face

/** The columns and rows that make `count` tiles largest. */
export function gridOf(count: number, {width, height, gap}: Space, narrowest = NARROWEST): Grid {
  let best: Grid = {columns: 1, rows: Math.max(1, count), width: 0, height: 0};
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cell = {width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows};
    const tile = fit(cell.width, cell.height, narrowest);
    if (tile.width * tile.height > best.width * best.height) best = {columns, rows, ...tile};
  }
  return best;
}

/** The largest tile of an allowed shape within a cell. */
function fit(width: number, height: number, narrowest: number): {width: number; height: number} {
  if (width <= 0 || height <= 0) return {width: 0, height: 0};
  const shape = Math.min(WIDEST, Math.max(narrowest, width / height));
  return width / height > shape ? {width: height * shape, height} : {width, height: width / shape};
}

/** `count` rectangles in a grid, centred; a last row that is not full is centred too. */
export function gridRects(count: number, space: Space, at = {left: 0, top: 0}, narrowest = NARROWEST): Rect[] {
  if (count === 0) return [];
  const grid = gridOf(count, space, narrowest);
  const top = at.top + (space.height - grid.rows * grid.height - (grid.rows - 1) * space.gap) / 2;
  return Array.from({length: count}, (_, index) => {
    const row = Math.floor(index / grid.columns);
    const inRow = Math.min(grid.columns, count - row * grid.columns);
    const left = at.left + (space.width - inRow * grid.width - (inRow - 1) * space.gap) / 2;
    const column = index % grid.columns;
    return {
      left: left + column * (grid.width + space.gap),
      top: top + row * (grid.height + space.gap),
      width: grid.width,
      height: grid.height,
    };
  });
}

/** One large, the others in a strip: beside it on a wide stage, below it on a tall one. The first is the large one. */
export function speakerRects(count: number, space: Space, whole = false): Rect[] {
  if (count === 0) return [];
  const {width, height, gap} = space;
  if (count === 1) return [large({left: 0, top: 0, width, height}, whole)];
  const others = count - 1;
  if (width > height * 1.25) {
    const strip = Math.min(STRIP_MOST, Math.max(STRIP_LEAST, width * STRIP_SHARE));
    const free = width - strip - gap;
    const size = whole ? {width: free, height} : fit(free, height, WIDEST);
    const main = {...size, left: 0, top: (height - size.height) / 2};
    const from = main.width + gap;
    const rest = gridRects(
      others,
      {width: Math.max(strip, Math.min(STRIP_MOST, width - from)), height, gap},
      {left: 0, top: 0},
      WIDEST,
    );
    const first = Math.min(...rest.map(each => each.left));
    return centred([main, ...rest.map(each => ({...each, left: each.left - first + from}))], width);
  }
  const share = whole ? MAIN_SHARE : others > 2 ? FEW_SHARE - 0.08 : FEW_SHARE;
  const most = Math.min(width / WIDEST, height * share);
  const main = large({left: 0, top: 0, width, height: most}, whole);
  const rest = gridRects(others, {width, height: height - most - gap, gap}, {left: 0, top: 0}, WIDEST);
  const first = Math.min(...rest.map(each => each.top));
  const placed = [main, ...rest.map(each => ({...each, top: each.top - first + most + gap}))];
  return middled(placed, height);
}

/** The large picture in its space: 16:9, or all of the space for a screen (its own shape is kept inside). */
function large(space: Rect, whole: boolean): Rect {
  if (whole) return space;
  const tile = fit(space.width, space.height, WIDEST);
  return {
    ...tile,
    left: space.left + (space.width - tile.width) / 2,
    top: space.top + (space.height - tile.height) / 2,
  };
}

function centred(rects: Rect[], width: number): Rect[] {
  const right = Math.max(...rects.map(each => each.left + each.width));
  const shift = Math.max(0, (width - right) / 2);
  return rects.map(each => ({...each, left: each.left + shift}));
}

function middled(rects: Rect[], height: number): Rect[] {
  const bottom = Math.max(...rects.map(each => each.top + each.height));
  const shift = Math.max(0, (height - bottom) / 2);
  return rects.map(each => ({...each, top: each.top + shift}));
}
