// Runs before anything is drawn, so that nothing flashes in the wrong colours.
"use strict";
window.hopseal = (() => {
    const key = "hopseal-theme";
    const read = () => {
        try {
            const kept = localStorage.getItem(key);
            return kept === "light" || kept === "dark" ? kept : "";
        } catch {
            return "";
        }
    };
    const apply = theme => {
        if (theme) {
            document.documentElement.dataset.theme = theme;
        } else {
            delete document.documentElement.dataset.theme;
        }
    };
    apply(read());
    return {
        // Asked for by the page once it is connected; tests wait for the mark.
        theme: () => {
            document.documentElement.dataset.connected = "true";
            return read();
        },
        setTheme: theme => {
            try {
                localStorage.setItem(key, theme);
            } catch {
                // A browser that keeps nothing: it holds for this page.
            }
            apply(theme);
        },
    };
})();
