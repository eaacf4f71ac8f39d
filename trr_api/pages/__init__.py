"""What all pages for people share: templates, one stylesheet, charts. No page asks another host for anything."""
