// What is wrong with the page as it is shown now: contrast, names, ids, things outside. A list of words, empty if all is well.
() => {
  const found = [];
  const channel = value => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const colour = text => {
    const parts = (text.match(/[\d.]+/g) ?? ['0', '0', '0', '0']).map(Number);
    const scale = text.startsWith('color(srgb') ? 255 : 1;
    return [parts[0] * scale, parts[1] * scale, parts[2] * scale, parts[3] ?? 1];
  };
  const ground = element => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const layer = colour(getComputedStyle(each).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] >= 1) break;
    }
    return layers.reverse().reduce((below, [r, g, b, a]) => [r, g, b].map((v, i) => v * a + below[i] * (1 - a)), [255, 255, 255]);
  };
  const contrast = element => {
    const [one, other] = [luminance(colour(getComputedStyle(element).color)), luminance(ground(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) || element.closest('.unseen, [inert]')) continue;
    const words = `${element.tagName}#${element.id}.${element.className} ${element.textContent.trim().slice(0, 30)}`;
    const hasText = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (hasText && !element.disabled && contrast(element) < 4.5) found.push(`contrast ${contrast(element).toFixed(2)}: ${words}`);
    if (!/^(BUTTON|INPUT|SELECT|TEXTAREA)$/.test(element.tagName)) continue;
    const name = element.ariaLabel || element.labels?.[0]?.textContent || element.textContent;
    if (!name.trim()) found.push(`no name: ${words}`);
    const {left, right, height} = element.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) found.push(`outside: ${words}`);
    if (height < 24) found.push(`too small: ${words}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
  const ids = [...document.querySelectorAll('[id]')].map(each => each.id);
  found.push(...ids.filter((id, index) => ids.indexOf(id) !== index).map(id => `twice: ${id}`));
  return [...new Set(found)];
}
