dist_man_MANS += man/drover-plugin.7
dist_man_MANS += man/drover.1 man/droverd.8 man/drover.conf.5
