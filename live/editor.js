// The editor of an exercise: CodeMirror with Python's colours, brackets and indentation. Tab leaves it, as in any page.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, isolateHistory } from "@codemirror/commands";
import { pythonLanguage } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/** Puts an editor into the place of a textarea; `changed` hears each new text, `run` is what Ctrl-Enter does. */
export function replace(textarea, { changed, run }) {
  const check = () => (run(), true);
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      lineNumbers(),
      history(),
      indentUnit.of("    "),
      EditorState.tabSize.of(4),
      indentOnInput(),
      EditorView.lineWrapping,
      bracketMatching(),
      closeBrackets(),
      pythonLanguage,
      syntaxHighlighting(classHighlighter),
      keymap.of([{ key: "Mod-Enter", run: check }, { key: "Shift-Enter", run: check }]),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap]),
      EditorView.contentAttributes.of({ "aria-label": textarea.getAttribute("aria-label") }),
      EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
    ],
  });
  // The theme takes a `/` for a wish to search, and the arrow keys for one to turn the page.
  view.dom.addEventListener("keydown", (event) => event.stopPropagation());
  const hadFocus = document.activeElement === textarea;
  const { selectionStart: anchor, selectionEnd: head } = textarea;
  textarea.replaceWith(view.dom);
  if (hadFocus) {
    view.focus();
    view.dispatch({ selection: { anchor, head } });
  }
  return {
    get value() {
      return view.state.doc.toString();
    },
    set value(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, annotations: isolateHistory.of("full") });
    },
  };
}
